#include "transports/ub/engine/event_queue.hpp"

namespace tutti::ub {

void EventQueue::clear() noexcept {
  while (!turns_.empty()) {
    if (const std::uint32_t item = turns_.pop(); !is_numbered(item)) release(item);
  }
}

void EventQueue::look_ahead() noexcept {
  const std::span<const Turn> run = turns_.run();
  for (const Turn& turn : run) {
    if (!is_numbered(turn.item)) __builtin_prefetch(&node(turn.item));
  }
  for (int pass = 0; pass < kPasses; ++pass) {
    for (const Turn& turn : run) {
      if (is_numbered(turn.item)) {
        numbered_->prepare(turn.item & ~kNumbered, pass);
        continue;
      }
      Node& coming = node(turn.item);
      if (coming.attend != nullptr) coming.attend(coming.callback, pass);
    }
  }
}

void EventQueue::grow() {
  const auto first = static_cast<std::uint32_t>(chunks_.size()) * kChunk;
  free_.reserve(first + kChunk);
  chunks_.push_back(std::make_unique_for_overwrite<Node[]>(kChunk));
  for (std::uint32_t i = kChunk; i > 0; --i) free_.push_back(first + i - 1);
}

}  // namespace tutti::ub
