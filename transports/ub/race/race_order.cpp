// RaceChecker: who is behind what.
#include <algorithm>

#include "base/context.hpp"
#include "base/error.hpp"
#include "transports/ub/race/race_checker.hpp"

namespace tutti::ub {

RaceChecker::FibreState& RaceChecker::fibre() {
  const FibreId id = scheduler_.current();
  if (id.index < of_fibre_.size()) {
    const std::uint32_t number = of_fibre_[id.index];
    if (number < fibres_.size() && fibres_[number].id == id) return fibres_[number];
  }
  return add_fibre(id);
}

void RaceChecker::spawned(std::uint64_t name) {
  if (active()) origins_[name] = tell(fibre());
}

// A new stream is behind what its maker did before.
RaceChecker::FibreState& RaceChecker::add_fibre(FibreId id) {
  if (id.index >= of_fibre_.size()) of_fibre_.resize(id.index + 1, ~std::uint32_t{0});
  const auto number = static_cast<std::uint32_t>(fibres_.size());
  of_fibre_[id.index] = number;
  fibres_.push_back({.id = id, .rank = scheduler_.who().rank, .number = number});
  FibreState& fibre = fibres_.back();
  fibre.clock.raise(number, fibre.now);
  const auto origin = origins_.find(std::uint64_t{id.generation} << 32 | id.index);
  if (origin == origins_.end()) return fibre;
  hear(fibre, origin->second);
  origins_.erase(origin);
  return fibre;
}

void RaceChecker::join_rank(FibreState& fibre) {
  for (FibreState& other : fibres_) {
    if (other.rank == fibre.rank && other.number != fibre.number) hear(fibre, tell(other));
  }
}

void RaceChecker::joined() {
  if (active()) join_rank(fibre());
}

Stamp RaceChecker::tell(FibreState& fibre) {
  if (fibre.snapshot == nullptr) fibre.snapshot = std::make_shared<const VectorClock>(fibre.clock);
  Stamp stamp{.known = fibre.snapshot, .fibre = fibre.number, .tick = fibre.now};
  fibre.clock.raise(fibre.number, ++fibre.now);
  return stamp;
}

void RaceChecker::hear(FibreState& fibre, const Stamp& stamp) {
  if (stamp.tick == 0 || fibre.clock.of(stamp.fibre) >= stamp.tick) return;
  fibre.clock.join(*stamp.known);
  fibre.clock.raise(stamp.fibre, stamp.tick);
  fibre.snapshot.reset();
}

void RaceChecker::tells(const void* object) {
  if (!active()) return;
  FibreState& self = fibre();
  const Stamp stamp = tell(self);
  VectorClock& told = told_[object];
  told.join(*stamp.known);
  told.raise(stamp.fibre, stamp.tick);
}

void RaceChecker::hears(const void* object) {
  if (!active()) return;
  const auto told = told_.find(object);
  if (told == told_.end()) return;
  FibreState& self = fibre();
  if (self.clock.covers(told->second)) return;
  self.clock.join(told->second);
  self.snapshot.reset();
}

void RaceChecker::acquired(const Line& line) {
  if (!active()) return;
  const auto found = lines_.find(&line);
  if (found == lines_.end()) return;
  FibreState& self = fibre();
  const LineState& state = found->second;
  hear(self, state.stamp);
  auto& knowers = flows_[state.flow].knowers;
  auto knower = std::ranges::find(knowers, self.number, &FlowState::Knower::fibre);
  if (knower == knowers.end()) {
    knowers.push_back({.fibre = self.number, .covered = {}});
    knower = std::prev(knowers.end());
  }
  if (!knower->covered.empty() && knower->covered.back().number >= state.number) return;
  knower->covered.push_back({.number = state.number, .tick = self.now});
  ++covered_;
}

bool RaceChecker::known(std::uint32_t flow, std::uint32_t number, const VectorClock& clock,
                        std::uint32_t self, Tick now) const {
  for (const FlowState::Knower& knower : flows_[flow].knowers) {
    const auto covered =
        std::ranges::lower_bound(knower.covered, number, {}, &FlowState::Covered::number);
    if (covered == knower.covered.end()) continue;
    const Tick heard = knower.fibre == self ? now : clock.of(knower.fibre);
    if (heard >= covered->tick) return true;
  }
  return false;
}

bool RaceChecker::ordered(const MemoryAccess& earlier, const FibreState& fibre) const {
  switch (earlier.kind) {
    case AccessKind::kNone:
      return true;
    case AccessKind::kSource:
      if (flows_[earlier.flow].free >= earlier.number) return true;
      [[fallthrough]];
    case AccessKind::kPut:
    case AccessKind::kPost:
      return known(earlier.flow, earlier.number, fibre.clock, fibre.number, fibre.now);
    default:
      return fibre.clock.of(earlier.fibre) >= earlier.tick;
  }
}

// --- What every fibre knows is forgotten.

std::uint64_t RaceChecker::bytes() const noexcept {
  constexpr std::uint64_t kNode = 32;  // of a tree or a table, about
  return map_.cells() * (sizeof(AccessCell) + sizeof(MemoryAccess) + kNode) +
         lines_.size() * (sizeof(LineState) + kNode) + parcels_.size() * sizeof(ParcelState) +
         covered_ * sizeof(FlowState::Covered) + flows_.size() * (sizeof(FlowState) + kNode);
}

void RaceChecker::make_room() {
  constexpr std::uint64_t kEach = 1024;  // accesses between two looks
  if (++steps_ % kEach != 0 || bytes() < sweep_at_) return;
  sweep();
  sweep_at_ = std::max(sweep_at_, 2 * bytes());
  if (bytes() <= options_.most_bytes || current_context().kept > 0) return;
  fail(tuttiSystemError, "the race checker needs more than {} bytes, which it has reached at {} ps",
       options_.most_bytes, scheduler_.now().count());
}

// What every fibre is behind of is behind whatever comes.
void RaceChecker::sweep() {
  std::optional<VectorClock> all;
  for (const FibreState& fibre : fibres_) {
    if (scheduler_.finished(fibre.id)) continue;
    if (all) {
      all->meet(fibre.clock);
    } else {
      all = fibre.clock;
    }
  }
  if (!all) return;
  const auto by_all = [&](std::uint32_t flow, std::uint32_t number) {
    return known(flow, number, *all, ~std::uint32_t{0}, 0);
  };
  map_.sweep([&](const MemoryAccess& access) {
    if (access.kind == AccessKind::kNone) return false;
    if (access.flow == kNoFlow) return all->of(access.fibre) >= access.tick;
    return by_all(access.flow, access.number);
  });
  covered_ = 0;
  for (FlowState& its : flows_) {
    for (FlowState::Knower& knower : its.knowers) {
      // Of those that all are behind of, the last one says it of all.
      auto& covered = knower.covered;
      const Tick tick = all->of(knower.fibre);
      const auto first = std::ranges::find_if(
          covered, [&](const FlowState::Covered& each) { return each.tick > tick; });
      if (first - covered.begin() > 1) covered.erase(covered.begin(), std::prev(first));
      covered_ += covered.size();
    }
  }
}

}  // namespace tutti::ub
