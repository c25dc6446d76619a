// Many first-in-first-out lines in which nodes wait for their time. Only the front of a line is in
// the event queue: with 400 000 transfers on the way that keeps the queue at a few thousand events.
#pragma once

#include <cassert>
#include <vector>

#include "transports/ub/model/events.hpp"
#include "transports/ub/model/pool.hpp"

namespace tutti::ub {

// Node has `Picoseconds time` and `std::uint32_t next`. Invariant: times in a line never go back,
// and exactly the front's is scheduled, with the token that the line was pushed with.
template <typename Node>
class DelayLines {
 public:
  DelayLines(std::size_t lines, Pool<Node>& nodes, ModelEvents& queue, EventTarget& target)
      : lines_(lines), nodes_(nodes), queue_(queue), target_(target) {}

  void push(std::size_t line, Picoseconds time, std::uint32_t id, std::uint64_t token) {
    assert(lines_[line].empty() || nodes_[lines_[line].back()].time <= time);
    nodes_[id].time = time;
    if (lines_[line].empty()) queue_.schedule(time, target_, token);
    lines_[line].push(nodes_, id);
  }

  // Not of an empty line.
  std::uint32_t front(std::size_t line) const noexcept { return lines_[line].front(); }

  // For the event of the line's front: takes it out and schedules the next one.
  std::uint32_t pop(std::size_t line, std::uint64_t token) {
    const std::uint32_t id = take(line);
    go_on(line, token);
    return id;
  }
  // The same in two steps, between which more may be taken, and nothing is pushed. What was taken
  // in a row stays linked until it is pushed somewhere.
  std::uint32_t take(std::size_t line) {
    const std::uint32_t id = lines_[line].pop(nodes_);
    if (!lines_[line].empty()) __builtin_prefetch(&nodes_[lines_[line].front()], 1);
    return id;
  }
  void go_on(std::size_t line, std::uint64_t token) {
    if (lines_[line].empty()) return;
    const Node& front = nodes_[lines_[line].front()];
    queue_.schedule(front.time, target_, token);
    if (front.next != kNone) __builtin_prefetch(&nodes_[front.next]);  // far away in memory
  }
  // kNone: none waits there.
  std::uint32_t next(std::size_t line) const noexcept {
    return lines_[line].empty() ? kNone : lines_[line].front();
  }

 private:
  std::vector<NodeQueue> lines_;
  Pool<Node>& nodes_;
  ModelEvents& queue_;
  EventTarget& target_;
};

}  // namespace tutti::ub
