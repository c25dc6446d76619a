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
    if (id.index >= chunks_.size() * kChunk) return nullptr;
    FibreRecord& fibre = at(id.index);
    return fibre.state != FibreRecord::State::kFree && fibre.id == id ? &fibre : nullptr;
  }

  // Of a live fibre.
  FibreRecord& at(std::uint32_t index) const noexcept {
    return chunks_[index / kChunk][index % kChunk];
  }

  std::size_t live() const noexcept { return live_; }
  // Those that are live, in no particular order.
  std::vector<FibreRecord*> all() const;

 private:
  static constexpr std::uint32_t kChunk = 32;  // records, side by side: what switches touch

  void grow();

  StackPool stacks_;
  std::vector<std::unique_ptr<FibreRecord[]>> chunks_;
  std::vector<FibreRecord*> unused_;  // last removed, first used
  std::size_t live_ = 0;
};

}  // namespace tutti::ub
