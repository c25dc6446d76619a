// What a channel says and does when something is wrong: failed, dead, late or disagreeing ranks.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/error.hpp"
#include "base/pause.hpp"
#include "channel/channel.hpp"
#include "channel/operation.hpp"
#include "channel/rank_list.hpp"

namespace tutti {

namespace {

// How long the last arrival may be ago: where a majority shows who is wrong, and where it does not.
constexpr Nanoseconds kStragglersWait = std::chrono::milliseconds(20);
constexpr Nanoseconds kMajorityWait = std::chrono::milliseconds(500);
constexpr Nanoseconds kCampsWait = std::chrono::seconds(2);
// Whatever algorithm a peer has chosen for its call, it says first in one of these.
constexpr std::array<Phase, kPhases> kAllPhases = {Phase::kEntry, Phase::kReady, Phase::kTaken,
                                                   Phase::kDone};
constexpr Nanoseconds kDeathNewsWait = std::chrono::seconds(1);

}  // namespace

void Channel::cancel() noexcept {
  cancelled_.store(true, std::memory_order_release);
  own_bell_->alarm.store(1, std::memory_order_seq_cst);
}

void Channel::raise(const Error& error) {
  transport_.abort(error);
  throw transport_.failure().value_or(error);
}

void Channel::check_usable() {
  std::vector<Rank> everyone;
  for (Rank peer = 0; peer < ranks(); ++peer) {
    if (transport_.peer_state(peer) == PeerState::kDead) everyone.push_back(peer);
  }
  check_trouble(everyone, nullptr);
}

void Channel::check_trouble(const std::vector<Rank>& gone, const Operation* operation) {
  if (cancelled_.load(std::memory_order_acquire)) {
    throw Error(tuttiAborted, fmt::format("\"{}\" was aborted on this rank", name()));
  }
  if (const auto failure = transport_.failure()) throw *failure;
  for (const PeerState state : {PeerState::kDead, PeerState::kLeft}) {
    std::vector<Rank> culprits;
    std::copy_if(gone.begin(), gone.end(), std::back_inserter(culprits),
                 [&](Rank peer) { return transport_.peer_state(peer) == state; });
    if (culprits.empty()) continue;
    const std::string what = operation != nullptr
                                 ? fmt::format(" and was needed in {}, sequence {}",
                                               operation->describe(), operation->sequence())
                                 : "";
    raise(Error(tuttiRemoteError,
                fmt::format("{} of \"{}\" {}{} (transport {})", named(culprits), name(),
                            state == PeerState::kDead ? "died" : "left the communicator", what,
                            transport_.name()),
                culprits));
  }
  if (operation != nullptr) check_entries(*operation);
}

void Channel::raise_unreachable(const Error& error) {
  if (error.culprits().empty()) raise(error);
  const Rank peer = error.culprits().front();
  // A dying process loses its descriptors before those who watch it are told. Its death is what
  // every other rank reports.
  const Nanoseconds end = transport_.clock().now() + kDeathNewsWait;
  do {
    check_trouble({peer}, nullptr);
    pause_for(std::chrono::milliseconds(1));
  } while (transport_.clock().now() < end);
  raise(Error(error.code(), fmt::format("rank {}: {}", peer, error.what()), {peer}));
}

void Channel::check_entries(const Operation& operation) {
  const std::uint64_t want = line_value(operation.sequence());
  const auto is_strange = [&](const Line& line) {
    if (line.value.load(std::memory_order_acquire) != want) return false;
    const std::uint64_t stamp =
        std::atomic_ref(const_cast<std::uint64_t&>(line.stamp)).load(std::memory_order_relaxed);
    if (((stamp ^ operation.fingerprint()) & kFingerprintMask) == 0) return false;
    // An operation that is complete here may be overwritten while it is looked at, content first.
    // Who posts the slot's next operation has completed this one, and its stamp says so.
    const auto done = static_cast<std::uint16_t>(stamp >> kFingerprintBits);
    const auto own = static_cast<std::uint16_t>(operation.sequence());
    return static_cast<std::int16_t>(static_cast<std::uint16_t>(done - own)) <= 0;
  };
  for (Rank peer = 0; peer < ranks(); ++peer) {
    if (peer == rank_) continue;
    const bool strange = std::any_of(kAllPhases.begin(), kAllPhases.end(), [&](Phase phase) {
      return is_strange(own_line(operation.line_id(phase, peer)));
    });
    if (strange || (rank_ == 0 && is_strange(own_line(layout_.arrival_line(
                                      operation.slot_, Round::kFirst, peer))))) {
      raise_mismatch(operation);
    }
  }
}

const Line* Channel::entry_of(const Operation& operation, Rank peer) {
  const std::uint64_t want = line_value(operation.sequence());
  const auto shows = [&](const Line& line) {
    return line.value.load(std::memory_order_acquire) == want;
  };
  for (const Phase phase : kAllPhases) {
    const Line& line = own_line(operation.line_id(phase, peer));
    if (shows(line)) return &line;
  }
  if (!transport_.access(peer).shared_words) return nullptr;
  const Line* const first = control().lines(0);
  for (const LineId id : {operation.line_id(Phase::kEntry, peer),
                          layout_.arrival_line(operation.slot_, Round::kFirst, peer)}) {
    if (shows(first[id])) return &first[id];
  }
  return nullptr;
}

// Who has called what, by fingerprint. Waits for all ranks, with a majority not for those that keep
// it waiting.
std::map<std::uint64_t, std::vector<Rank>> Channel::camps_of(const Operation& operation) {
  const auto all = static_cast<std::size_t>(ranks());
  const Nanoseconds start = transport_.clock().now();
  Nanoseconds last_arrival = start;
  std::size_t seen = 0;
  for (;;) {
    std::map<std::uint64_t, std::vector<Rank>> camps;
    camps[operation.fingerprint()].push_back(rank_);
    std::size_t arrived = 1, largest = 1;
    for (Rank peer = 0; peer < ranks(); ++peer) {
      const Line* line = peer == rank_ ? nullptr : entry_of(operation, peer);
      if (line == nullptr) continue;
      const std::uint64_t stamp =
          std::atomic_ref(const_cast<std::uint64_t&>(line->stamp)).load(std::memory_order_relaxed);
      camps[stamp & kFingerprintMask].push_back(peer);
      ++arrived;
    }
    for (const auto& [fingerprint, members] : camps) largest = std::max(largest, members.size());
    const Nanoseconds now = transport_.clock().now();
    if (arrived > seen) last_arrival = now;
    seen = std::max(seen, arrived);
    const bool late = now - last_arrival >= (2 * largest > all ? kStragglersWait : kMajorityWait);
    if (arrived == all || late || now - start >= kCampsWait || transport_.failure()) return camps;
    pause_for(std::chrono::microseconds(100));
  }
}

// The culprits are whoever is not with the majority; without one, everybody who is heard of.
void Channel::raise_mismatch(const Operation& operation) {
  auto camps = camps_of(operation);
  const auto largest = std::max_element(
      camps.begin(), camps.end(),
      [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  const bool majority = 2 * largest->second.size() > static_cast<std::size_t>(ranks());
  std::vector<Rank> culprits;
  std::string text;
  for (auto& [fingerprint, members] : camps) {
    std::sort(members.begin(), members.end());
    if (!majority || &members != &largest->second) {
      culprits.insert(culprits.end(), members.begin(), members.end());
    }
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", named(members),
                        describe_fingerprint(fingerprint));
  }
  std::sort(culprits.begin(), culprits.end());
  // Of the first two camps, which are all but always the only ones.
  const std::string arguments =
      camps.size() > 1 ? differing_arguments(camps.begin()->first, std::next(camps.begin())->first)
                       : "";
  raise(Error(tuttiMismatch,
              fmt::format("ranks disagree about operation {} of \"{}\": {}{}{}; at odds with the "
                          "others: {}",
                          operation.sequence(), name(), text,
                          arguments.empty() ? "" : "; they differ in ", arguments, named(culprits)),
              culprits));
}

void Operation::expire(const std::vector<Rank>& missing, Nanoseconds waited) const {
  // Everybody came, but this rank did not get its core back in time to go on.
  const std::string who = missing.empty() ? "all ranks came, but this one was not done"
                                          : named(missing) + " did not arrive";
  channel_->raise(
      Error(tuttiTimeout,
            fmt::format("{}, sequence {} on \"{}\": {} within {} ms (transport {})", describe(),
                        sequence_, channel_->name(), who,
                        std::chrono::duration_cast<std::chrono::milliseconds>(waited).count(),
                        channel_->transport().name()),
            missing));
}

}  // namespace tutti
