#include "transports/ub/bus/rank_port.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "base/error.hpp"

namespace tutti::ub {

namespace {

// What a look takes where the profile says nothing: what a clock shows, so that a wait of
// microseconds is a thousand looks and not a million.
constexpr Picoseconds kLeastPoll{1000};

// So long another stream of the rank may have to wait for the cores.
constexpr Picoseconds kMostAhead{1'000'000};

class BellSubject final : public ParkSubject {
 public:
  BellSubject(Roster& roster, const Doorbell& bell) : roster_(roster), bell_(bell) {}
  std::string describe() const override {
    const auto owner = roster_.control().owner_of(bell_);
    return owner ? fmt::format("a line that rings rank {}", roster_.place(*owner))
                 : std::string("a line that rings everybody");
  }

 private:
  Roster& roster_;
  const Doorbell& bell_;
};

}  // namespace

RankPort::RankPort(Simulation& simulation, std::shared_ptr<Roster> roster, Rank rank)
    : simulation_(simulation),
      roster_(std::move(roster)),
      courier_(simulation.courier()),
      hollow_(simulation.hollow_heap()),
      rank_(rank),
      place_(roster_->place(rank)) {}

void RankPort::poll() {
  assert(!is_ahead());
  simulation_.work(Activity::kPoll, costs().poll(), kLeastPoll);
  bring();
}

// Rounded down: a deadline in nanoseconds is reached when all of its picoseconds have passed.
Nanoseconds RankPort::now() const noexcept {
  bring();
  return std::chrono::duration_cast<Nanoseconds>(scheduler().now());
}

Picoseconds RankPort::deadline(Nanoseconds timeout) const noexcept {
  const Picoseconds now = scheduler().now();
  const Nanoseconds most = std::chrono::duration_cast<Nanoseconds>(kNever - now);
  if (timeout >= most) return kNever;
  return now + std::max(timeout, Nanoseconds::zero());
}

void RankPort::read(std::span<const ReadPart> parts) {
  if (parts.empty()) return;
  assert(!is_ahead());
  check_alive();
  const std::optional<int> silent = courier_.read(place_, parts);
  check_alive();
  bring();
  if (!silent) return;
  const Rank peer = roster_->rank_at(*silent);
  fail_because_of({peer}, tuttiSystemError,
                  "rank {} cannot be read: it, or every way there, has failed", peer);
}

void RankPort::put(Rank peer, std::span<const CopyPiece> pieces, std::byte* taken) {
  check_alive();
  courier_.put(roster_->flow(rank_, peer), pieces, taken, its_time());
}

void RankPort::post(Rank peer, LineId line, std::uint64_t value, const LineContent& content) {
  check_alive();
  courier_.post(roster_->flow(rank_, peer), roster_->control().line(peer, line), value, content,
                its_time());
  spend(Activity::kFlag, costs().flag());
}

void RankPort::spend(Activity what, Picoseconds time) {
  if (!is_ahead()) return simulation_.work(what, time);
  until_ = simulation_.work_ahead(until_, what, time);
  if (until_ - scheduler().now() >= kMostAhead) catch_up();
}

void RankPort::begin_posts() {
  if (ahead_ || simulation_.faults().end_of(place_)) return;
  ahead_ = scheduler().current();
  until_ = scheduler().now();
}

void RankPort::end_posts() {
  if (!is_ahead()) return;
  ahead_.reset();
  catch_up();
}

void RankPort::catch_up() {
  if (until_ > scheduler().now()) scheduler().advance(until_ - scheduler().now());
  check_alive();
}

void RankPort::flush(Rank peer, Nanoseconds timeout) {
  assert(!is_ahead());
  check_alive();
  if (!courier_.flush(roster_->flow(rank_, peer), deadline(timeout))) {
    fail_because_of({peer}, tuttiTimeout, "puts to rank {} have not left after {} ms", peer,
                    std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count());
  }
  bring();
}

void RankPort::sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) {
  assert(!is_ahead());
  check_alive();
  bring();
  const auto rung = [&] { return bell.ring.load(std::memory_order_acquire) != seen; };
  if (rung() || timeout <= Nanoseconds::zero()) return poll();
  const Picoseconds end = deadline(timeout);
  const WaitList::Place place(roster_->sleepers(bell), scheduler().current());
  const Courier::Attention attention(courier_, place_);
  const BellSubject subject(*roster_, bell);
  while (!rung() && scheduler().now() < end) {
    if (scheduler().park_until(end, subject) == Wake::kCancelled) break;
    check_alive();
  }
  check_alive();
  bring();
}

}  // namespace tutti::ub
