// What the fabric tells the courier: bytes move when they arrive, lines come out in order.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "kernels/copy.hpp"
#include "transports/ub/bus/courier.hpp"

namespace tutti::ub {

void Courier::note_left(Flow& flow, Picoseconds when) {
  flow.latest_left = std::max(flow.latest_left, when);
  if (--flow.not_left == 0) flow.flushing.wake_all(scheduler_);
}

void Courier::record_left(const Parcel& parcel, Picoseconds when) {
  record_->left(parcel.number, when);
  if (parcel.kind != Parcel::Kind::kPut || when < parcel.flow->latest_left) return;
  parcel.flow->latest_left_record = record_->transfer_of(parcel.number);
}

void Courier::left(std::uint64_t tag, Picoseconds when) {
  if (record_ != nullptr) record_left(parcel_of(tag), when);
  if (!is_put(tag)) return;
  Parcel& parcel = parcel_of(tag);
  parcel.left = true;
  note_left(*parcel.flow, when);
}

void Courier::arrived(std::uint64_t tag, Picoseconds when) {
  Parcel& parcel = parcel_of(tag);
  if (record_ != nullptr) record_->arrived(parcel.number, when);
  if (parcel.kind == Parcel::Kind::kRead) return end_read(parcel, Parcel::State::kArrives, when);
  parcel.state = Parcel::State::kArrives;
  parcel.when = when;
  if (parcel.kind == Parcel::Kind::kPut) {
    scheduler_.at(when, {.rank = parcel.to}, [this, &parcel] { deliver(parcel); });
  }
  settle(*parcel.flow);
}

void Courier::lost(std::uint64_t tag, Picoseconds when) {
  Parcel& parcel = parcel_of(tag);
  if (parcel.kind == Parcel::Kind::kRead) return end_read(parcel, Parcel::State::kLost, when);
  parcel.state = Parcel::State::kLost;
  Flow& flow = *parcel.flow;
  if (parcel.kind == Parcel::Kind::kPut && !parcel.left) note_left(flow, when);
  scheduler_.at(when, {.rank = flow.from}, [&flow] { flow.owner->lost(flow); });
  settle(flow);
}

// First the parcel comes to the caches, then what it points to.
void Courier::prepare(std::uint64_t tag, int pass) noexcept {
  const Parcel& parcel = parcel_of(tag);
  if (pass == 0) return parcel.prefetch();
  if (parcel.kind == Parcel::Kind::kRead) return;
  parcel.flow->prefetch();
  if (parcel.kind == Parcel::Kind::kPost) __builtin_prefetch(parcel.line, 1);
}

// Who reads goes on when all of it is there, or something of it is lost.
void Courier::end_read(Parcel& parcel, Parcel::State state, Picoseconds when) {
  if (parcel.reading == nullptr) return parcels_.give_back(parcel);
  Reading& reading = *parcel.reading;
  parcel.state = state;
  parcel.when = when;
  --reading.under_way;
  if (state == Parcel::State::kLost) {
    if (reading.lost != nullptr && reading.lost->when <= when) return;
    reading.lost = &parcel;
    scheduler_.wake(reading.fibre, when);
    return;
  }
  reading.latest = std::max(reading.latest, when);
  if (reading.under_way == 0) scheduler_.wake(reading.fibre, reading.latest);
}

// What the fabric has told lets parcels come out in order. A put's own event was scheduled before,
// for the same rank: at an equal time it comes first.
void Courier::settle(Flow& flow) {
  while (flow.unsettled != nullptr && flow.unsettled->state != Parcel::State::kUnderWay) {
    Parcel& parcel = *flow.unsettled;
    flow.unsettled = parcel.next;
    if (parcel.state == Parcel::State::kLost) {
      flow.broken = true;
      if (races_ != nullptr) races_->lost(parcel.number);
      remove(parcel);
      continue;
    }
    if (record_ != nullptr && parcel.when >= flow.latest) {
      flow.latest_record = record_->transfer_of(parcel.number);
    } else if (record_ != nullptr && parcel.kind == Parcel::Kind::kPost) {
      record_->came_out_behind(parcel.number, flow.latest_record);
    }
    flow.latest = std::max(flow.latest, parcel.when);
    if (parcel.kind == Parcel::Kind::kPut) continue;
    if (flow.broken && parcel.kind != Parcel::Kind::kFarewell) {
      remove(parcel);
      continue;
    }
    if (parcel.kind == Parcel::Kind::kPost) __builtin_prefetch(parcel.line, 1);
    scheduler_.at(std::max(flow.latest, scheduler_.now()), {.rank = flow.to},
                  [this, &parcel] { deliver(parcel); });
  }
}

void Courier::deliver(Parcel& parcel) {
  ++counts_.deliveries;
  Flow& flow = *parcel.flow;
  const Parcel::Kind kind = parcel.kind;
  const bool there = !parcel.dropped;
  if (there && kind == Parcel::Kind::kPut) deliver_put(parcel);
  if (there && kind == Parcel::Kind::kPost) {
    Line& line = *parcel.line;
    std::memcpy(line.payload, parcel.content.payload, sizeof(line.payload));
    std::atomic_ref(line.stamp).store(parcel.content.stamp, std::memory_order_relaxed);
    // Release: pairs with the acquire load of whoever waits for this line.
    line.value.store(parcel.content.value, std::memory_order_release);
  }
  if (there && kind != Parcel::Kind::kFarewell) fold(parcel, scheduler_.now());
  if (record_ != nullptr && kind == Parcel::Kind::kPost) {
    record_->deliver(record_->transfer_of(parcel.number));
  }
  if (races_ != nullptr && kind != Parcel::Kind::kFarewell) {
    if (there) {
      races_->delivered(parcel.number);
    } else {
      races_->lost(parcel.number);
    }
  }
  remove(parcel);
  if (there && kind == Parcel::Kind::kPost) flow.owner->line_filled(flow);
  if (there && kind == Parcel::Kind::kFarewell) flow.owner->said_farewell(flow);
  if (record_ != nullptr) record_->deliver(kNoRecord);
}

void Courier::deliver_put(const Parcel& parcel) {
  const std::byte* taken = parcel.taken;
  std::uint64_t hash = 0;
  for (const CopyPiece& piece : parcel.pieces) {
    if (piece.destination == nullptr) continue;
    const std::byte* const source = taken != nullptr ? taken : piece.source;
    kernels::copy(piece.destination, source, piece.bytes);
    if (payload_digest_) hash = hash_bytes({source, piece.bytes}, hash);
    if (taken != nullptr) taken += piece.bytes;
  }
  if (payload_digest_) digest_.add_payload(parcel.from, parcel.to, hash);
}

void Courier::fold(const Parcel& parcel, Picoseconds when) {
  counts_.bytes += parcel.bytes;
  counts_.last = std::max(counts_.last, when);
  digest_.fold_arrival(when, parcel);
}

void Courier::remove(Parcel& parcel) {
  parcel.flow->remove(parcel);
  if (parcel.kind == Parcel::Kind::kPut) {
    buffers_.give_back(parcel.taken, parcel.bytes);
    parcel.taken = nullptr;
  }
  parcels_.give_back(parcel);
}

}  // namespace tutti::ub
