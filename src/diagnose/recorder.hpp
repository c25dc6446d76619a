// The last operations of one communicator, for reports about stalls. Recording costs some plain
// stores and a read of the processor's counter: no lock, no allocation, always on.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ticks.hpp"
#include "diagnose/operation_text.hpp"

namespace tutti {

enum class OperationState : std::uint8_t { kIssued, kDone, kFailed };

// issue() is called in order of sequence by one thread at a time; finish() by whichever thread ran
// the operation. dump() may be called by any thread at any time: an entry that is overwritten
// meanwhile is left out.
class OperationRecorder {
 public:
  static constexpr std::size_t kEntries = 256;  // the latest this many operations; a power of two
  static constexpr std::uint64_t kUntimed = 0;  // for finish(): reading the counter costs 10 ns

  explicit OperationRecorder(TickScale scale = TickScale::of_processor()) : scale_(scale) {}

  void issue(std::uint64_t sequence, const OperationFacts& facts, std::uint64_t now) noexcept;
  // Does nothing for an operation that is no longer, or was never, in the ring.
  void finish(std::uint64_t sequence, OperationState state, std::uint64_t now) noexcept;

  // A line an operation, oldest first: "#17 AllReduce(count=12, float, sum): done in 1.2 us,
  // issued 3.4 ms ago". `now` in the ticks that issue() was given.
  std::vector<std::string> dump(std::uint64_t now) const;

 private:
  // `stamp` is the sequence plus one, 0 while the entry is written. Writers store every field with
  // release, readers load with acquire: a reader that saw a new field also sees that the stamp
  // changed.
  struct alignas(64) Entry {
    std::atomic<std::uint64_t> stamp{0};
    std::atomic<const char*> kind{nullptr};
    std::atomic<std::uint64_t> count{0};
    std::atomic<std::uint64_t> issued{0};
    std::atomic<std::uint64_t> ended{0};
    std::atomic<std::int32_t> op{0};
    std::atomic<std::int32_t> root{0};
    std::atomic<std::int32_t> peer{0};
    std::atomic<std::uint8_t> type{0};
    std::atomic<OperationState> state{OperationState::kIssued};
  };

  Entry& entry_of(std::uint64_t sequence) noexcept { return entries_[sequence % kEntries]; }

  TickScale scale_;
  std::array<Entry, kEntries> entries_;
};

inline void OperationRecorder::issue(std::uint64_t sequence, const OperationFacts& facts,
                                     std::uint64_t now) noexcept {
  Entry& entry = entry_of(sequence);
  entry.stamp.store(0, std::memory_order_relaxed);  // published by the release stores below
  entry.kind.store(facts.kind, std::memory_order_release);
  entry.count.store(facts.count, std::memory_order_release);
  entry.issued.store(now, std::memory_order_release);
  entry.op.store(facts.op, std::memory_order_release);
  entry.root.store(facts.root, std::memory_order_release);
  entry.peer.store(facts.peer, std::memory_order_release);
  entry.type.store(static_cast<std::uint8_t>(facts.type), std::memory_order_release);
  entry.state.store(OperationState::kIssued, std::memory_order_release);
  entry.stamp.store(sequence + 1, std::memory_order_release);  // pairs with dump's first load
}

inline void OperationRecorder::finish(std::uint64_t sequence, OperationState state,
                                      std::uint64_t now) noexcept {
  Entry& entry = entry_of(sequence);
  if (entry.stamp.load(std::memory_order_relaxed) != sequence + 1) return;
  entry.ended.store(now, std::memory_order_release);
  entry.state.store(state, std::memory_order_release);  // pairs with dump's load of the state
}

}  // namespace tutti
