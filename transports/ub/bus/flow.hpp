// What one rank of a communicator sends to another: the order that the fabric does not keep.
#pragma once

#include "transports/ub/bus/parcel.hpp"
#include "transports/ub/bus/run_record.hpp"
#include "transports/ub/bus/wait_list.hpp"

namespace tutti::ub {

// Hears what comes out of its flows, at that time.
class FlowOwner {
 public:
  virtual void line_filled(Flow& flow) = 0;
  virtual void said_farewell(Flow& flow) = 0;
  // Something of it is lost: an end has failed, or nothing leads there any more.
  virtual void lost(Flow& flow) = 0;

 protected:
  ~FlowOwner() = default;
};

// Puts arrive when the fabric says so, and may overtake each other. Posts and farewells come out
// when everything that was sent before them is there.
//
// Invariant: `unsettled` is the first parcel whose end has not been seen here; `latest` is the
// latest arrival of all before it.
struct Flow {
  FlowOwner* owner = nullptr;
  Rank rank = 0;  // of the communicator
  Rank peer = 0;
  std::int32_t from = 0;  // of the simulation
  std::int32_t to = 0;

  Parcel* first = nullptr;  // under way
  Parcel* last = nullptr;
  Parcel* unsettled = nullptr;
  Picoseconds latest{};
  std::uint32_t latest_record = kNoRecord;  // in a RunRecord, if there is one
  bool broken = false;       // something was lost or dropped: no line comes out any more
  std::uint32_t coming = 0;  // lines and farewells whose time is known, in the inbox of `peer`

  std::uint32_t not_left = 0;  // puts of which it is not known when they leave
  Picoseconds latest_left{};   // of the others
  std::uint32_t latest_left_record = kNoRecord;
  WaitList flushing;

  void prefetch() const noexcept {
    __builtin_prefetch(this, 1);
    __builtin_prefetch(reinterpret_cast<const std::byte*>(this) + 64, 1);
  }

  void append(Parcel& parcel) noexcept {
    parcel.flow = this;
    parcel.previous = last;
    parcel.next = nullptr;
    (last == nullptr ? first : last->next) = &parcel;
    last = &parcel;
    if (unsettled == nullptr) unsettled = &parcel;
  }
  // Not the unsettled one.
  void remove(const Parcel& parcel) noexcept {
    (parcel.previous == nullptr ? first : parcel.previous->next) = parcel.next;
    (parcel.next == nullptr ? last : parcel.next->previous) = parcel.previous;
  }
};

}  // namespace tutti::ub
