// What will soon be at the receiving ports: taken many at once, in the order in which it gets
// there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "transports/ub/model/events.hpp"
#include "transports/ub/model/rate.hpp"

namespace tutti::ub {

// A head is here from its port's lead before its time on, or sooner. So all that gets to a port
// within its lead from now is known, and in which order: what is due first brings the rest of that
// with it, and a port has one event for many.
//
// Invariant: while anything approaches a port, an event is scheduled for it, not after the time at
// which the first gets there.
class Approach {
 public:
  struct Head {
    Picoseconds time{};  // it gets there
    std::uint32_t message = 0;
  };

  Approach(ModelEvents& queue, EventTarget& target) : queue_(queue), target_(target) {}

  // They are numbered in the order in which they are added.
  void add_ports(std::size_t count, Picoseconds lead) {
    ports_.resize(ports_.size() + count, Port{.lead = lead});
  }
  Picoseconds lead(std::size_t port) const noexcept { return ports_[port].lead; }

  // `token` is the port's.
  void push(std::size_t number, const Head& head, std::uint64_t token) {
    Port& port = ports_[number];
    port.heads.push_back(head);
    if (head.time < port.next) schedule(port, head.time, token);
  }

  // For the event of the port: takes out what gets there within its lead, or now, in order; among
  // equal times the first that was pushed. Good until the next take().
  std::span<const Head> take(std::size_t number, Picoseconds now, std::uint64_t token) {
    Port& port = ports_[number];
    if (port.next == now) port.next = Picoseconds(kLongestTime);
    // With no lead, what is due at this time may be pushed after this: it has an event of its own.
    const Picoseconds until = now + std::max(port.lead, Picoseconds(1));
    due_.clear();
    Picoseconds next(kLongestTime);
    std::size_t kept = 0;
    for (const Head& head : port.heads) {
      if (head.time < until) {
        insert(head);
      } else {
        next = std::min(next, head.time);
        port.heads[kept++] = head;
      }
    }
    port.heads.resize(kept);
    if (due_.size() > kFew) std::stable_sort(due_.begin(), due_.end(), Earlier{});
    if (next < port.next) schedule(port, next, token);
    return due_;
  }

  // What take() will look at, if the port's event comes soon: two passes. After them any_head().
  void prefetch(std::size_t number, int pass) const noexcept {
    const Port& port = ports_[number];
    if (pass == 0) return __builtin_prefetch(&port, 1);
    __builtin_prefetch(port.heads.data(), 1);
  }
  // Of what approaches the port; nullptr: nothing does.
  const Head* any_head(std::size_t number) const noexcept {
    const std::vector<Head>& heads = ports_[number].heads;
    return heads.empty() ? nullptr : heads.data();
  }

 private:
  static constexpr std::size_t kFew = 48;  // are brought in order one by one

  struct Port {
    std::vector<Head> heads;  // in no order of time
    Picoseconds lead{};
    Picoseconds next{kLongestTime};  // event
  };

  struct Earlier {
    bool operator()(const Head& a, const Head& b) const noexcept { return a.time < b.time; }
  };

  void insert(const Head& head) {
    std::size_t place = due_.size();
    due_.push_back(head);
    if (place >= kFew) return;
    for (; place > 0 && head.time < due_[place - 1].time; --place) due_[place] = due_[place - 1];
    due_[place] = head;
  }

  void schedule(Port& port, Picoseconds when, std::uint64_t token) {
    port.next = when;
    queue_.schedule(when, target_, token);
  }

  ModelEvents& queue_;
  EventTarget& target_;
  std::vector<Port> ports_;
  std::vector<Head> due_;
};

}  // namespace tutti::ub
