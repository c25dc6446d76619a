#include "communicator/reduction_operators.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"

namespace tutti {

ReductionOperators::ReductionOperators() noexcept
    // Fibonacci hashing of the address.
    : next_generation_(static_cast<std::uint32_t>(
          reinterpret_cast<std::uintptr_t>(this) * 0x9E3779B97F4A7C15u >> 44)) {}

tuttiRedOp_t ReductionOperators::create(const void* scalar, tuttiDataType_t type,
                                        tuttiScalarResidence_t residence) {
  auto entry =
      std::find_if(entries_.begin(), entries_.end(), [](const Entry& e) { return !e.used; });
  if (entry == entries_.end()) {
    if (entries_.size() == std::size_t{1} << kIndexBits) {
      fail(tuttiInvalidUsage, "a communicator has at most {} operators at a time", entries_.size());
    }
    entry = entries_.emplace(entries_.end());
  }
  entry->used = true;
  entry->generation = next_generation_;
  next_generation_ = (next_generation_ + 1) % kGenerations;
  entry->type = type;
  entry->reducer = {.op = tuttiSum, .scaled = true};
  if (residence == tuttiScalarDevice) {
    entry->reducer.scale_from = scalar;
  } else {
    std::memcpy(&entry->reducer.scale, scalar, size_of(type));
  }
  const auto index = static_cast<std::uint32_t>(entry - entries_.begin());
  return static_cast<tuttiRedOp_t>(tuttiNumOps + (entry->generation << kIndexBits | index));
}

void ReductionOperators::destroy(tuttiRedOp_t op) { entries_[index_of(op)] = {}; }

Reducer ReductionOperators::reducer(tuttiRedOp_t op, tuttiDataType_t type) const {
  const Entry& entry = entries_[index_of(op)];
  if (entry.type != type) {
    fail(tuttiInvalidArgument, "op was made for {}, the call is of {}", name_of(entry.type),
         name_of(type));
  }
  return entry.reducer;
}

std::size_t ReductionOperators::index_of(tuttiRedOp_t op) const {
  const auto handle = static_cast<std::uint32_t>(op) - static_cast<std::uint32_t>(tuttiNumOps);
  const std::size_t index = handle & ((std::uint32_t{1} << kIndexBits) - 1);
  if (op < tuttiNumOps || index >= entries_.size() || !entries_[index].used ||
      entries_[index].generation != handle >> kIndexBits) {
    fail(tuttiInvalidArgument,
         "op is {}, which is no operator of this communicator, or was destroyed",
         static_cast<int>(op));
  }
  return index;
}

}  // namespace tutti
