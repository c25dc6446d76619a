// MoE plans and the operations on them.
#include <tutti/moe.h>

#include <algorithm>

#include "api/boundary.hpp"
#include "api/moe_work.hpp"
#include "api/submit.hpp"

using tutti::fail;
using tutti::api::call;
using tutti::api::CombineWork;
using tutti::api::DispatchWork;
using tutti::api::facts_of;
using tutti::api::need;
using tutti::api::record_in_thread;
using tutti::api::run_combine;
using tutti::api::run_dispatch;
using tutti::api::runs_now;
using tutti::api::submit_later;
using tutti::moe::Arrivals;

namespace {

template <typename Body>
tuttiResult_t call_plan(tuttiMoePlan_t plan, Body&& body) {
  if (plan == nullptr) return record_in_thread({tuttiInvalidArgument, "plan is NULL"});
  tuttiComm& communicator = *plan->group.communicator;
  return call(&communicator, [&] { body(communicator, plan->plan); });
}

// Copies a result where the caller wants it.
template <typename T>
void fill(T* out, std::span<const T> values) {
  if (out != nullptr) std::copy(values.begin(), values.end(), out);
}

}  // namespace

void tuttiMoePlan::check_idle() const {
  if (queued.load(std::memory_order_acquire) == 0) return;
  fail(tuttiInvalidUsage,
       "operations of this plan are queued: synchronize their stream first, or use another plan");
}

void tuttiMoePlan::check_queue(tuttiStream_t stream) const {
  if (queued.load(std::memory_order_acquire) == 0 || queue == stream) return;
  fail(tuttiInvalidUsage,
       "operations of this plan are queued on another stream: one plan uses one stream at a time");
}

void tuttiMoePlan::check_inflight() const {
  if (in_flight()) return;
  const auto others = std::count_if(group.plans.begin(), group.plans.end(),
                                    [](const tuttiMoePlan* other) { return other->in_flight(); });
  if (others < group.config.max_inflight) return;
  fail(tuttiInvalidUsage,
       "{} other plans of this group are in flight and config->max_inflight is {}: dispatch their "
       "updates or take their counts, and synchronize their streams",
       others, group.config.max_inflight);
}

tuttiResult_t tuttiMoePlanCreate(tuttiMoeGroup_t group, tuttiMoePlan_t* plan) {
  if (group == nullptr) return record_in_thread({tuttiInvalidArgument, "group is NULL"});
  return call(group->communicator.get(), [&] {
    need(plan, "plan");
    *plan = std::make_unique<tuttiMoePlan>(*group).release();
  });
}

tuttiResult_t tuttiMoePlanDestroy(tuttiMoePlan_t plan) {
  if (plan == nullptr) return tuttiSuccess;
  return call(plan->group.communicator.get(), [&] {
    plan->check_idle();
    delete plan;
  });
}

tuttiResult_t tuttiMoePlanUpdate(tuttiMoePlan_t plan, const void* topk_idx,
                                 tuttiDataType_t idx_type, size_t row_stride, int n, int k) {
  return call_plan(plan, [&](tuttiComm& communicator, tutti::moe::Plan& self) {
    plan->check_idle();
    plan->check_inflight();
    if (const tutti::Group* open = tutti::Group::current(); open && open->holds(communicator)) {
      fail(tuttiInvalidUsage,
           "tuttiMoePlanUpdate acts at once, before the operations of this MoE group that are "
           "queued in the open tuttiGroupStart: update plans before it");
    }
    const tutti::moe::TopK topk{
        .indices = topk_idx, .type = idx_type, .row_stride = row_stride, .tokens = n, .lanes = k};
    self.prepare(topk);
    const tutti::Operation operation = plan->group.begin(tutti::moe::Plan::shape_of(topk), n);
    const tutti::CallNote note(facts_of(*plan, operation, "MoePlanUpdate",
                                        static_cast<std::size_t>(n) * static_cast<std::size_t>(k) *
                                            (idx_type == tuttiInt64 ? 8 : 4)));
    communicator.execute(operation, [&] { self.announce(operation); });
    plan->unheard = operation.sequence();
    plan->routing_pending.store(true, std::memory_order_relaxed);  // workers only clear it
    plan->layout.reset();
  });
}

tuttiResult_t tuttiMoePlanCounts(tuttiMoePlan_t plan, tuttiMoeCounts_t* counts) {
  return call_plan(plan, [&](tuttiComm& communicator, tutti::moe::Plan& self) {
    need(counts, "counts");
    if (counts->size != sizeof(*counts)) {
      fail(tuttiInvalidArgument, "counts->size is wrong: start from TUTTI_MOE_COUNTS_INITIALIZER");
    }
    plan->check_idle();
    if (!self.updated())
      fail(tuttiInvalidUsage, "the plan has no routing: call tuttiMoePlanUpdate");
    if (counts->align < 0) {
      fail(tuttiInvalidArgument, "counts->align is {}, expected 0 or more", counts->align);
    }
    const tutti::CallNote note({.kind = "MoePlanCounts",
                                .communicator = communicator.settings().name,
                                .ranks = communicator.ranks()});
    const Arrivals* arrivals = nullptr;
    communicator.guarded([&] {
      arrivals = &self.arrange(
          tutti::moe::layout_of(counts->layout, plan->group.config.rows_per, counts->align));
    });
    plan->routing_pending.store(false, std::memory_order_relaxed);
    counts->num_rows = arrivals->num_rows();
    fill(counts->expert_counts, arrivals->expert_counts());
    fill(counts->expert_offsets, arrivals->expert_offsets());
    fill(counts->source_counts, arrivals->source_counts());
    if (counts->sources == nullptr) return;
    if (counts->sources_capacity < counts->num_rows) {
      fail(tuttiCapacityExceeded, "counts->sources takes {} rows, {} are needed",
           counts->sources_capacity, counts->num_rows);
    }
    arrivals->list_sources({counts->sources, counts->num_rows});
  });
}

tuttiResult_t tuttiMoeDispatch(tuttiMoePlan_t plan, const tuttiMoeDispatchArgs_t* args,
                               tuttiMoeOutput_t* output, tuttiStream_t stream) {
  return call_plan(plan, [&](tuttiComm&, tutti::moe::Plan& self) {
    plan->check_queue(stream);
    const auto request = tutti::moe::check_dispatch(plan->group.config, self, args, output);
    plan->check_inflight();
    plan->layout = request.layout;
    if (runs_now(stream)) {
      run_dispatch(*plan, plan->group.begin(tutti::moe::shape_of(request, self), self.tokens()),
                   request);
    } else {
      submit_later(std::make_unique<DispatchWork>(*plan, stream, request), stream);
    }
  });
}

tuttiResult_t tuttiMoeCombine(tuttiMoePlan_t plan, const tuttiMoeCombineArgs_t* args, void* out,
                              tuttiStream_t stream) {
  return call_plan(plan, [&](tuttiComm&, tutti::moe::Plan& self) {
    plan->check_queue(stream);
    const bool idle = plan->queued.load(std::memory_order_acquire) == 0;
    const auto request = tutti::moe::check_combine(
        plan->group.config, self, idle ? self.dispatched_layout() : plan->layout, args, out);
    if (idle && args->rows == nullptr && self.dispatched_rows() != 0) {
      fail(tuttiInvalidArgument, "args->rows is NULL, dispatch delivered {} rows",
           self.dispatched_rows());
    }
    plan->check_inflight();
    if (runs_now(stream)) {
      run_combine(*plan, plan->group.begin(tutti::moe::shape_of(request), self.tokens()), request);
    } else {
      submit_later(std::make_unique<CombineWork>(*plan, stream, request), stream);
    }
  });
}
