#include "transports/ub/bus/roster.hpp"

#include <utility>

namespace tutti::ub {

Roster::Roster(Courier& courier, std::vector<int> places, bool shared)
    : courier_(courier),
      places_(std::move(places)),
      distances_(courier.topology(), places_),
      states_(places_.size() * places_.size(), static_cast<std::uint8_t>(PeerState::kAlive)),
      shared_(shared),
      sleepers_(places_.size()) {
  flows_.reserve(places_.size() * places_.size());
  for (Rank from = 0; from < ranks(); ++from) {
    for (Rank to = 0; to < ranks(); ++to) {
      flows_.push_back(
          {.owner = this, .rank = from, .peer = to, .from = place(from), .to = place(to)});
    }
  }
}

void Roster::make_control(const ControlSegment& segment) {
  if (control_ == nullptr) {
    control_ = std::make_unique<ControlMemory>(ranks(), segment, shared_);
    if (RaceChecker* const races = courier_.races()) {
      races->add_segments({.base = control_->segment(0),
                           .stride = control_->stride(),
                           .bytes = control_->bytes(),
                           .line_bytes = control_->line_bytes(),
                           .ranks = places_});
    }
  }
  if (control_->bytes() == segment.bytes && control_->line_bytes() == segment.line_bytes) return;
  fail(tuttiMismatch, "a control segment of {} bytes, where another rank has {}", segment.bytes,
       control_->bytes());
}

WaitList& Roster::sleepers(const Doorbell& bell) {
  if (control_ != nullptr) {
    if (const auto rank = control_->owner_of(bell)) return sleepers_[index(*rank)];
    if (&control_->shared_bell() == &bell) return shared_sleepers_;
  }
  fail(tuttiInternalError, "a rank sleeps on what is no doorbell of its communicator");
}

void Roster::ring(Rank rank) {
  // Nobody else rings: no locked instruction, which would wait for the lines that were just filled.
  auto& ring = control_->own_bell(rank).ring;
  ring.store(ring.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  sleepers_[index(rank)].wake_all(courier_.scheduler());
}

void Roster::alarm(Rank rank) {
  if (control_ == nullptr) return;
  control_->own_bell(rank).alarm.store(1, std::memory_order_release);
  ring(rank);
}

void Roster::mark(Rank viewer, Rank peer, PeerState state) {
  std::uint8_t& known = states_[index(viewer) * places_.size() + index(peer)];
  if (known != static_cast<std::uint8_t>(PeerState::kAlive)) return;
  known = static_cast<std::uint8_t>(state);
  alarm(viewer);
}

void Roster::line_filled(Flow& flow) { ring(flow.peer); }

void Roster::lost(Flow& flow) {
  if (!courier_.gone(flow.from)) mark(flow.rank, flow.peer, PeerState::kDead);
}

void Roster::leave(Rank rank) {
  for (Rank peer = 0; peer < ranks(); ++peer) {
    if (flow(rank, peer).first == nullptr) {
      mark(peer, rank, PeerState::kLeft);
    } else {
      courier_.say_farewell(flow(rank, peer));
    }
  }
}

void Roster::wake_gone(int place) {
  for (Rank rank = 0; rank < ranks(); ++rank) {
    if (places_[index(rank)] == place) sleepers_[index(rank)].wake_all(courier_.scheduler());
  }
  shared_sleepers_.wake_all(courier_.scheduler());
}

void Roster::tell_gone(int place) {
  for (Rank rank = 0; rank < ranks(); ++rank) {
    if (places_[index(rank)] != place) continue;
    for (Rank viewer = 0; viewer < ranks(); ++viewer) {
      if (!courier_.gone(places_[index(viewer)])) mark(viewer, rank, PeerState::kDead);
    }
  }
}

void Roster::record(Rank rank, const Error& error) {
  if (failure_.has_value() || courier_.gone(place(rank))) return;
  failure_.emplace(error);
  for (Rank peer = 0; peer < ranks(); ++peer) alarm(peer);
  shared_sleepers_.wake_all(courier_.scheduler());
}

void Roster::take_sources(Rank rank) {
  for (Rank peer = 0; peer < ranks(); ++peer) courier_.take_sources(flow(rank, peer));
}

void Roster::drop_sources(Rank rank) noexcept {
  for (Rank peer = 0; peer < ranks(); ++peer) courier_.drop_sources(flow(rank, peer));
}

}  // namespace tutti::ub
