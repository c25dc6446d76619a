#include "transports/ub/engine/deadlines.hpp"

#include <utility>

#include "transports/ub/engine/fibre_record.hpp"

namespace tutti::ub {

void Deadlines::want(FibreRecord& fibre) {
  if (fibre.deadline == kNever) return;
  if (fibre.deadline_place.has_value()) {
    if ((*fibre.deadline_place)->time <= fibre.deadline) return;
    move(fibre);
  } else {
    fibre.deadline_place = entries_
                               .insert({.time = fibre.deadline,
                                        .place = placement_.place(fibre.deadline, fibre.who),
                                        .born = fibre.born,
                                        .fibre = &fibre})
                               .first;
  }
  update_bound();
}

// To fibre.deadline, without allocating.
void Deadlines::move(FibreRecord& fibre) {
  auto node = entries_.extract(*fibre.deadline_place);
  node.value().time = fibre.deadline;
  node.value().place = placement_.place(fibre.deadline, fibre.who);
  fibre.deadline_place = entries_.insert(std::move(node)).position;
}

void Deadlines::forget(FibreRecord& fibre) noexcept {
  if (!fibre.deadline_place.has_value()) return;
  entries_.erase(*fibre.deadline_place);
  fibre.deadline_place.reset();
  update_bound();
}

FibreRecord* Deadlines::due_by(Picoseconds time) {
  while (!entries_.empty() && entries_.begin()->time <= time) {
    FibreRecord& fibre = *entries_.begin()->fibre;
    if (fibre.state != FibreRecord::State::kParked || fibre.deadline == kNever) {
      forget(fibre);
    } else if (fibre.deadline != entries_.begin()->time) {
      move(fibre);
      update_bound();
    } else {
      return &fibre;
    }
  }
  return nullptr;
}

void Deadlines::clear() noexcept {
  for (const Entry& entry : entries_) entry.fibre->deadline_place.reset();
  entries_.clear();
  bound_ = kNever;
}

}  // namespace tutti::ub
