// Contents of frames that this process writes into a peer's memory itself. Of a link, under its
// lock of sending, which says what the peer answers:
//
//   offered --granted--> writing --all written--> gone
//                         |    ^--granted anew--+
//                         +--some failed--> asked --done--> gone
//
// Sources are read until their writes have ended, also when the link has: then what has begun
// stays until the network reports its end.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <span>

#include "base/clock.hpp"
#include "transports/packets/job.hpp"
#include "transports/packets/packet.hpp"
#include "transports/packets/region_cache.hpp"

namespace tutti::packets {

struct Departure;

// One write.
struct WriteJob : Job {
  explicit WriteJob(Departure& whole) noexcept : Job(Use::kWrite), departure(whole) {}
  Departure& departure;
};

struct Departure {
  enum class State : std::uint8_t { kOffered, kWriting, kAsked };

  std::uint64_t offer = 0;  // the packet's number
  std::uint64_t frame = 0;  // how many had left before its own
  std::span<const std::byte> bytes;
  RegionCache::Lent source;
  State state = State::kOffered;
  Grant grant;
  std::size_t begun = 0;  // bytes whose writing the network has taken
  std::size_t under_way = 0;
  std::deque<WriteJob> jobs;
  int error = 0;                // of a write that has failed
  Nanoseconds failing_since{};  // 0: none has
  unsigned failures = 0;
};

class Departures {
 public:
  // `fabric` outlives it.
  explicit Departures(Fabric& fabric) : fabric_(fabric) {}

  bool empty() const noexcept { return all_.empty(); }
  std::size_t count() const noexcept { return all_.size(); }
  // The frame that the first of them belongs to. Not empty().
  std::uint64_t first_frame() const noexcept { return all_.front().frame; }
  bool awaits_answer() const noexcept {
    return !all_.empty() && all_.back().state == Departure::State::kOffered;
  }

  void add(Departure departure) { all_.push_back(std::move(departure)); }
  // nullptr: there is none of that offer.
  Departure* find(std::uint64_t offer) noexcept;
  void remove(const Departure& departure) noexcept;

  // What was granted is written from now on, by push().
  static void write_to(Departure& departure, const Grant& grant);
  // As much as the network takes; false: not all. `link`: whose they are.
  bool push(PeerAddress peer, const std::shared_ptr<Link>& link);
  // Writes have failed, all of them are over, and the peer does not know. nullptr: none.
  Departure* next_to_ask() noexcept;

  // A write is over, well if `error` is 0.
  enum class Ended : std::uint8_t { kMore, kAll };
  Ended on_end(Departure& departure, int error) noexcept;

  // Nothing more is begun, and what has not begun goes.
  void stop() noexcept;
  // The network is shut.
  void clear() noexcept { all_.clear(); }

 private:
  bool push(Departure& departure, PeerAddress peer, const std::shared_ptr<Link>& link);

  Fabric& fabric_;
  std::list<Departure> all_;  // as they were offered
};

}  // namespace tutti::packets
