// The records and stacks of a scheduler's fibres, found by id.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "transports/ub/engine/fibre_record.hpp"
#include "transports/ub/engine/stack_pool.hpp"

namespace tutti::ub {

class FibreTable {
 public:
  explicit FibreTable(std::size_t stack_bytes) : stacks_(stack_bytes) {}

  // A record with a new id and a stack, otherwise as it was made. tuttiSystemError without room.
  FibreRecord& add();
  // Its body has ended and nobody runs on its stack.
  void remove(FibreRecord& fibre) noexcept;

  // nullptr once it is removed.
  FibreRecord* find(FibreId id) const noexcept {
    if (id.index >= records_.size()) return nullptr;
    FibreRecord& fibre = *records_[id.index];
    return fibre.state != FibreRecord::State::kFree && fibre.id == id ? &fibre : nullptr;
  }

  // Of a live fibre.
  FibreRecord& at(std::uint32_t index) const noexcept { return *records_[index]; }

  std::size_t live() const noexcept { return live_; }
  // Those that are live, in no particular order.
  std::vector<FibreRecord*> all() const;

 private:
  StackPool stacks_;
  std::vector<std::unique_ptr<FibreRecord>> records_;
  std::vector<FibreRecord*> unused_;  // last removed, first used
  std::size_t live_ = 0;
};

}  // namespace tutti::ub
