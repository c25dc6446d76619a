// Dispatches and combines that wait on a stream, or for the end of a group.
#pragma once

#include <optional>
#include <vector>

#include "api/moe_handles.hpp"
#include "base/call_watcher.hpp"
#include "communicator/work.hpp"
#include "moe/combine.hpp"
#include "moe/dispatch.hpp"

namespace tutti::api {

// What a record of the run says of an operation of the plan.
CallFacts facts_of(const tuttiMoePlan& plan, const Operation& operation, const char* kind,
                   std::size_t bytes);

// Now, on this thread. A failure marks the group failed everywhere; an output that is too small
// does not.
void run_dispatch(tuttiMoePlan& plan, const Operation& operation, const moe::DispatchCall& call);
void run_combine(tuttiMoePlan& plan, const Operation& operation, const moe::CombineCall& call);

// An operation of a plan; the plan counts it until it is gone.
class PlanWork : public Work {
 public:
  PlanWork(tuttiMoePlan& plan, tuttiStream_t stream);
  ~PlanWork() override;

 protected:
  tuttiMoePlan& plan() const noexcept { return plan_; }

 private:
  tuttiMoePlan& plan_;
};

class DispatchWork final : public PlanWork {
 public:
  DispatchWork(tuttiMoePlan& plan, tuttiStream_t stream, const moe::DispatchCall& call)
      : PlanWork(plan, stream), call_(call) {}
  void issue() override;

 private:
  void execute() override { run_dispatch(plan(), *operation_, call_); }

  moe::DispatchCall call_;
  std::optional<Operation> operation_;
};

class CombineWork final : public PlanWork {
 public:
  CombineWork(tuttiMoePlan& plan, tuttiStream_t stream, const moe::CombineCall& call);
  void issue() override;

 private:
  void execute() override { run_combine(plan(), *operation_, call_); }

  std::vector<const void*> biases_;  // the array that call_ refers to
  moe::CombineCall call_;
  std::optional<Operation> operation_;
};

}  // namespace tutti::api
