#include "transports/ub/engine/fibre_table.hpp"

namespace tutti::ub {

FibreRecord& FibreTable::add() {
  if (unused_.empty()) {
    unused_.reserve(records_.size() + 1);  // so that remove() never allocates
    records_.push_back(std::make_unique<FibreRecord>());
    records_.back()->id.index = static_cast<std::uint32_t>(records_.size() - 1);
    unused_.push_back(records_.back().get());
  }
  FibreRecord& fibre = *unused_.back();
  fibre.stack = stacks_.acquire();
  unused_.pop_back();
  ++live_;
  if (++fibre.id.generation == 0) fibre.id.generation = 1;
  fibre.state = FibreRecord::State::kReady;
  fibre.started = fibre.woken = fibre.cancel_pending = fibre.cancelled = false;
  fibre.kept = fibre.refused_unwinds = 0;
  fibre.context = ThreadContext{};
  return fibre;
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
  for (const auto& record : records_) {
    if (record->state != FibreRecord::State::kFree) found.push_back(record.get());
  }
  return found;
}

}  // namespace tutti::ub
