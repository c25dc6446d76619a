// Fibres that wait for one thing, in the order in which they came.
#pragma once

#include "transports/ub/engine/scheduler.hpp"

namespace tutti::ub {

// Everybody who is woken looks again, and stays in the list until its Place ends.
class WaitList {
 public:
  // Of the fibre that calls, on its stack, while it waits. The list outlives it.
  class Place {
   public:
    Place(WaitList& list, FibreId fibre) noexcept
        : list_(list), fibre_(fibre), previous_(list.last_) {
      (previous_ == nullptr ? list_.first_ : previous_->next_) = this;
      list_.last_ = this;
    }
    ~Place() {
      (previous_ == nullptr ? list_.first_ : previous_->next_) = next_;
      (next_ == nullptr ? list_.last_ : next_->previous_) = previous_;
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    friend class WaitList;
    WaitList& list_;
    FibreId fibre_;
    Place* previous_;
    Place* next_ = nullptr;
  };

  void wake_all(Scheduler& scheduler) const {
    for (const Place* place = first_; place != nullptr; place = place->next_) {
      scheduler.wake(place->fibre_, scheduler.now());
    }
  }

 private:
  Place* first_ = nullptr;
  Place* last_ = nullptr;
};

}  // namespace tutti::ub
