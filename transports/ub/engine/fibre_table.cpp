#include "transports/ub/engine/fibre_table.hpp"

#include <span>

namespace tutti::ub {

FibreRecord& FibreTable::add() {
  if (unused_.empty()) grow();
  FibreRecord& fibre = *unused_.back();
  fibre.stack = stacks_.acquire();
  unused_.pop_back();
  ++live_;
  if (++fibre.id.generation == 0) fibre.id.generation = 1;
  fibre.state = FibreRecord::State::kReady;
  fibre.started = fibre.woken = fibre.cancel_pending = fibre.cancelled = false;
  fibre.unwinds = 0;
  *fibre.context = ThreadContext{};
  return fibre;
}

void FibreTable::grow() {
  const auto first = static_cast<std::uint32_t>(chunks_.size()) * kChunk;
  unused_.reserve(first + kChunk);  // so that remove() never allocates
  chunks_.push_back(std::make_unique<FibreRecord[]>(kChunk));
  for (std::uint32_t i = kChunk; i-- > 0;) {
    chunks_.back()[i].id.index = first + i;
    unused_.push_back(&chunks_.back()[i]);
  }
}

void FibreTable::remove(FibreRecord& fibre) noexcept {
  stacks_.release(fibre.stack);
  fibre.state = FibreRecord::State::kFree;
  unused_.push_back(&fibre);
  --live_;
}

std::vector<FibreRecord*> FibreTable::all() const {
  std::vector<FibreRecord*> found;
  found.reserve(live_);
  for (const auto& chunk : chunks_) {
    for (FibreRecord& fibre : std::span(chunk.get(), kChunk)) {
      if (fibre.state != FibreRecord::State::kFree) found.push_back(&fibre);
    }
  }
  return found;
}

}  // namespace tutti::ub
