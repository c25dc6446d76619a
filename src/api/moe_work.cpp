#include "api/moe_work.hpp"

#include "base/error.hpp"

namespace tutti::api {

namespace {

const char* way_of(const tuttiMoePlan& plan) {
  return plan.plan.was_staged ? "staged" : "in_place";
}

std::size_t tokens_of(const tuttiMoePlan& plan) {
  return static_cast<std::size_t>(plan.plan.tokens());
}

// For who keeps a record of a simulated run: how many rows came for each expert of this rank.
void note_experts(tuttiMoePlan& plan) {
  CallWatcher* const watcher = CallWatcher::current();
  if (watcher == nullptr || !plan.plan.dispatched_layout()) return;
  const moe::Arrivals& arrivals = plan.plan.arrange(*plan.plan.dispatched_layout());
  watcher->experts_received(plan.group.config.placement.experts_of(plan.group.communicator->rank()),
                            arrivals.expert_counts());
}

}  // namespace

CallFacts facts_of(const tuttiMoePlan& plan, const Operation& operation, const char* kind,
                   std::size_t bytes) {
  const Communicator& communicator = *plan.group.communicator;
  return {.kind = kind,
          .bytes = bytes,
          .communicator = communicator.settings().name,
          .ranks = communicator.ranks(),
          .sequence = operation.sequence()};
}

void run_dispatch(tuttiMoePlan& plan, const Operation& operation, const moe::DispatchCall& call) {
  const CallNote note(
      facts_of(plan, operation, "MoeDispatch", tokens_of(plan) * call.args.row_bytes));
  bool fits = true;
  plan.group.communicator->execute(operation, [&] {
    fits = moe::dispatch(operation, plan.group.config, plan.plan, call);
    operation.finish();
  });
  if (fits) note_experts(plan);
  plan.group.communicator->note_algorithm(way_of(plan));
  plan.routing_pending.store(false, std::memory_order_release);  // pairs with in_flight()
  if (!fits) {
    fail(tuttiCapacityExceeded, "output->capacity_rows is {}, {} rows arrive",
         call.output->capacity_rows, call.output->num_rows);
  }
}

void run_combine(tuttiMoePlan& plan, const Operation& operation, const moe::CombineCall& call) {
  const CallNote note(facts_of(plan, operation, "MoeCombine",
                               tokens_of(plan) * call.args.hidden * size_of(call.args.type)));
  plan.group.communicator->execute(operation, [&] {
    if (!plan.plan.dispatched_layout()) {
      // Peers have begun theirs: this cannot be taken back.
      fail(tuttiInvalidUsage, "a combine was queued behind a dispatch that did not fit its output");
    }
    if (call.args.rows == nullptr && plan.plan.dispatched_rows() != 0) {
      fail(tuttiInvalidArgument, "args->rows is NULL, dispatch delivered {} rows",
           plan.plan.dispatched_rows());
    }
    moe::combine(operation, plan.plan, call);
    operation.finish();
  });
  plan.group.communicator->note_algorithm(way_of(plan));
}

PlanWork::PlanWork(tuttiMoePlan& plan, tuttiStream_t stream)
    : Work(*plan.group.communicator), plan_(plan) {
  plan_.queue = stream;
  plan_.queued.fetch_add(1, std::memory_order_relaxed);
}

PlanWork::~PlanWork() {
  // Release: pairs with the acquire of the next call on the plan, which sees what this one did.
  plan_.queued.fetch_sub(1, std::memory_order_release);
}

void DispatchWork::issue() {
  operation_ = plan().group.begin(moe::shape_of(call_, plan().plan), plan().plan.tokens());
}

CombineWork::CombineWork(tuttiMoePlan& plan, tuttiStream_t stream, const moe::CombineCall& call)
    : PlanWork(plan, stream), call_(call) {
  if (call.args.num_biases > 0) {
    biases_.assign(call.args.biases, call.args.biases + call.args.num_biases);
  }
  call_.args.biases = biases_.data();
}

void CombineWork::issue() {
  operation_ = plan().group.begin(moe::shape_of(call_), plan().plan.tokens());
}

}  // namespace tutti::api
