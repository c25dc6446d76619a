// An ModelEvents without fibres: what tests, benchmarks and models that run by themselves use.
#pragma once

#include <cstddef>
#include <vector>

#include "transports/ub/model/events.hpp"

namespace tutti::ub {

// A heap with four children per node: half the levels of a binary one, and the children of a node
// lie in two cache lines. What fires stays in front meanwhile: the first event that it schedules
// takes its place, which spares a way up and one down.
class EventHeap final : public ModelEvents {
 public:
  void schedule(Picoseconds at, EventTarget& target, std::uint64_t token) override {
    const Event event{at, scheduled_++, &target, token};
    if (front_fires_) {
      front_fires_ = false;
      return sink(event);
    }
    heap_.emplace_back();
    rise(heap_.size() - 1, event);
  }

  // Fires everything, what is scheduled meanwhile too. Returns the time of the last event.
  Picoseconds run() {
    while (!heap_.empty()) {
      const Event event = heap_.front();
      now_ = event.at;
      ++fired_;
      front_fires_ = true;
      event.target->fire(event.at, event.token);
      if (front_fires_) drop_front();
    }
    return now_;
  }

  std::uint64_t fired() const noexcept { return fired_; }

 private:
  static constexpr std::size_t kChildren = 4;

  struct Event {
    Picoseconds at;
    std::uint64_t order;
    EventTarget* target;
    std::uint64_t token;

    bool before(const Event& other) const noexcept {
      return at != other.at ? at < other.at : order < other.order;
    }
  };

  void rise(std::size_t hole, const Event& event) {
    while (hole > 0) {
      const std::size_t parent = (hole - 1) / kChildren;
      if (!event.before(heap_[parent])) break;
      heap_[hole] = heap_[parent];
      hole = parent;
    }
    heap_[hole] = event;
  }

  void drop_front() {
    front_fires_ = false;
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(last);
  }

  void sink(const Event& event) {
    std::size_t hole = 0;
    for (;;) {
      const std::size_t first = hole * kChildren + 1;
      if (first >= heap_.size()) break;
      const std::size_t end = first + kChildren < heap_.size() ? first + kChildren : heap_.size();
      std::size_t least = first;
      for (std::size_t child = first + 1; child < end; ++child) {
        if (heap_[child].before(heap_[least])) least = child;
      }
      if (!heap_[least].before(event)) break;
      heap_[hole] = heap_[least];
      hole = least;
    }
    heap_[hole] = event;
  }

  std::vector<Event> heap_;
  std::uint64_t scheduled_ = 0;
  std::uint64_t fired_ = 0;
  Picoseconds now_{};
  bool front_fires_ = false;
};

}  // namespace tutti::ub
