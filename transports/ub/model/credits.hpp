// Credits: a cell leaves its source only when the receiver's port has room for it. That makes the
// fabric lossless and holds back the senders of an incast.
#pragma once

#include <deque>
#include <vector>

#include "transports/ub/model/events.hpp"
#include "transports/ub/model/pool.hpp"

namespace tutti::ub {

// One receiving port's room. Flows that find none wait in order; whoever comes later waits behind
// them. Invariant: a wake-up is scheduled whenever flows wait and a credit is on its way back.
class CreditPool {
 public:
  explicit CreditPool(std::int64_t cells) : available_(cells) {}

  // Takes a credit if one has come back by `now` and nobody waits for it.
  bool take(Picoseconds now) {
    settle(now);
    if (available_ == 0 || !waiting_.empty()) return false;
    --available_;
    return true;
  }

  // A credit is usable again at `when`.
  void give_back(Picoseconds when) {
    if (!returning_.empty() && when < returning_.back()) when = returning_.back();
    returning_.push_back(when);
  }

  template <typename Flows>
  void wait(Flows& flows, std::uint32_t flow) {
    waiting_.push(flows, flow);
  }
  // The first flow that waits, with a credit; kNone where there is no credit or no flow.
  template <typename Flows>
  std::uint32_t grant(Flows& flows, Picoseconds now) {
    settle(now);
    if (available_ == 0 || waiting_.empty()) return kNone;
    --available_;
    return waiting_.pop(flows);
  }

  void schedule_wake(ModelEvents& queue, EventTarget& target, std::uint64_t token) {
    if (wake_scheduled_ || waiting_.empty() || returning_.empty()) return;
    wake_scheduled_ = true;
    queue.schedule(returning_.front(), target, token);
  }
  void woken() { wake_scheduled_ = false; }

 private:
  // Credits are counted when somebody asks: where nobody waits, they cost no event.
  void settle(Picoseconds now) {
    for (; !returning_.empty() && returning_.front() <= now; returning_.pop_front()) ++available_;
  }

  std::int64_t available_;
  std::deque<Picoseconds> returning_;  // in order of time
  NodeQueue waiting_;
  bool wake_scheduled_ = false;
};

}  // namespace tutti::ub
