// What tuttiMoeGroup_t and tuttiMoePlan_t point to.
#pragma once

#include <tutti/moe.h>

#include <memory>
#include <vector>

#include "communicator/communicator.hpp"
#include "moe/config.hpp"
#include "moe/heap_block.hpp"
#include "moe/plan.hpp"

struct tuttiMoeGroup {
  tutti::moe::Config config;
  // A private duplicate of the user's communicator: its own lines, slots and failures.
  std::unique_ptr<tuttiComm> communicator;
  std::vector<tutti::moe::HeapBlock> buffers;  // tuttiMoeBuffer's
  int plans = 0;
};

struct tuttiMoePlan {
  explicit tuttiMoePlan(tuttiMoeGroup& owner)
      : group(owner), plan(owner.communicator->channel(), owner.config) {
    ++group.plans;
  }
  ~tuttiMoePlan() { --group.plans; }
  tuttiMoePlan(const tuttiMoePlan&) = delete;
  tuttiMoePlan& operator=(const tuttiMoePlan&) = delete;

  tuttiMoeGroup& group;  // the C API keeps a group alive while it has plans
  tutti::moe::Plan plan;
};
