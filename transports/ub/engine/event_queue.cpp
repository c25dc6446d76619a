#include "transports/ub/engine/event_queue.hpp"

namespace tutti::ub {

void EventQueue::clear() noexcept {
  while (!turns_.empty()) release(turns_.pop());
}

void EventQueue::grow() {
  const auto first = static_cast<std::uint32_t>(chunks_.size()) * kChunk;
  free_.reserve(first + kChunk);
  chunks_.push_back(std::make_unique_for_overwrite<Node[]>(kChunk));
  for (std::uint32_t i = kChunk; i > 0; --i) free_.push_back(first + i - 1);
}

}  // namespace tutti::ub
