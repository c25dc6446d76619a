// What tuttiMoeGroup_t and tuttiMoePlan_t point to.
#pragma once

#include <tutti/moe.h>

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "communicator/communicator.hpp"
#include "moe/config.hpp"
#include "moe/heap_block.hpp"
#include "moe/plan.hpp"

struct tuttiMoePlan;

struct tuttiMoeGroup {
  // The last keeper deletes it: what was queued may be gone a moment later than the group.
  struct Release {
    void operator()(tuttiComm* comm) const noexcept { tutti::Communicator::release(comm); }
  };

  tutti::moe::Config config;
  // A private duplicate of the user's communicator: its own lines, slots and failures.
  std::unique_ptr<tuttiComm, Release> communicator;
  std::unique_ptr<tutti::moe::StoreTrials> trials = std::make_unique<tutti::moe::StoreTrials>();
  std::vector<tutti::moe::HeapBlock> buffers;  // tuttiMoeBuffer's
  std::vector<tuttiMoePlan*> plans;            // that exist; in a Call

  // Issues an operation on the group's communicator, after closing what stands in its way: updates
  // that it leaves ahead() operations behind, as the channel demands (channel.hpp). In a Call.
  tutti::Operation begin(const tutti::OperationShape& shape, int tokens);
  void close_old_updates();
};

struct tuttiMoePlan {
  explicit tuttiMoePlan(tuttiMoeGroup& owner)
      : group(owner), plan(owner.communicator->channel(), owner.config, *owner.trials) {
    group.plans.push_back(this);
  }
  ~tuttiMoePlan() { std::erase(group.plans, this); }
  tuttiMoePlan(const tuttiMoePlan&) = delete;
  tuttiMoePlan& operator=(const tuttiMoePlan&) = delete;

  // tuttiInvalidUsage while operations are queued: the plan is theirs.
  void check_idle() const;
  // Operations of one plan follow each other, so those that are queued are all on one stream.
  void check_queue(tuttiStream_t stream) const;
  // tuttiInvalidUsage when an operation of this plan would be one plan too many in flight.
  void check_inflight() const;
  bool in_flight() const noexcept {
    return routing_pending.load(std::memory_order_acquire) ||
           queued.load(std::memory_order_acquire) != 0;
  }

  tuttiMoeGroup& group;  // the C API keeps a group alive while it has plans
  tutti::moe::Plan plan;
  std::optional<tutti::moe::Layout> layout;  // of the last dispatch called, which may be queued
  std::optional<tutti::Sequence> unheard;    // of the last update; in a Call
  std::atomic<bool> routing_pending{false};  // an update that neither counts nor dispatch has taken
  std::atomic<int> queued{0};                // operations on a stream or in a group
  tuttiStream_t queue = nullptr;             // where they are
};
