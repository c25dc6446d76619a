// First fit by address keeps what is in use together, at a cost linear in the number of holes; a
// heap of communication buffers has few.
#include "memory/free_ranges.hpp"

namespace tutti {

std::optional<std::size_t> FreeRanges::take(std::size_t bytes, std::size_t alignment) {
  for (auto range = ranges_.begin(); range != ranges_.end(); ++range) {
    const auto [start, size] = *range;
    const std::size_t head = (alignment - start % alignment) % alignment;
    if (size < head || size - head < bytes) continue;
    const std::size_t offset = start + head;
    const std::size_t tail = size - head - bytes;
    if (head > 0)
      range->second = head;
    else
      ranges_.erase(range);
    if (tail > 0) ranges_.emplace(offset + bytes, tail);
    return offset;
  }
  return std::nullopt;
}

void FreeRanges::give(std::size_t offset, std::size_t bytes) {
  auto here = ranges_.emplace(offset, bytes).first;
  if (const auto next = std::next(here);
      next != ranges_.end() && here->first + here->second == next->first) {
    here->second += next->second;
    ranges_.erase(next);
  }
  if (here == ranges_.begin()) return;
  const auto previous = std::prev(here);
  if (previous->first + previous->second != here->first) return;
  previous->second += here->second;
  ranges_.erase(here);
}

}  // namespace tutti
