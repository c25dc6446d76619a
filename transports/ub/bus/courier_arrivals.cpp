// What the fabric tells the courier: bytes move when they arrive, lines come out in order.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

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
  const ParcelTag what(tag);
  if (record_ != nullptr) record_left(parcels_[what.number()], when);
  if (what.kind() != Parcel::Kind::kPut) return;
  Parcel& parcel = parcels_[what.number()];
  parcel.left = true;
  note_left(*parcel.flow, when);
}

void Courier::arrived(std::uint64_t tag, Picoseconds when) {
  const ParcelTag what(tag);
  if (record_ != nullptr) record_->arrived(what.number(), when);
  if (what.kind() == Parcel::Kind::kPost) return comes(what.to(), when, what.number(), false);
  Parcel& parcel = parcels_[what.number()];
  if (what.kind() == Parcel::Kind::kRead) return end_read(parcel, Parcel::State::kArrives, when);
  parcel.state = Parcel::State::kArrives;
  parcel.when = when;
  // What comes out with it, at the same time, is looked at after it.
  settle(*parcel.flow, scheduler_.now() - Picoseconds(1));
  if (when == scheduler_.now()) return deliver(parcel, when);
  scheduler_.at(when, {.rank = parcel.to}, [this, &parcel] { deliver(parcel, parcel.when); });
}

void Courier::lost(std::uint64_t tag, Picoseconds when) {
  const ParcelTag what(tag);
  Parcel& parcel = parcels_[what.number()];
  if (what.kind() == Parcel::Kind::kRead) return end_read(parcel, Parcel::State::kLost, when);
  parcel.state = Parcel::State::kLost;
  Flow& flow = *parcel.flow;
  if (parcel.kind == Parcel::Kind::kPut && !parcel.left) note_left(flow, when);
  scheduler_.at(when, {.rank = flow.from}, [&flow] { flow.owner->lost(flow); });
  settle(flow);
}

// First the parcel comes to the caches, then what it points to. Of a post nothing is needed yet.
void Courier::prepare(std::uint64_t tag, int pass) noexcept {
  const ParcelTag what(tag);
  if (what.kind() == Parcel::Kind::kPost) return;
  const Parcel& parcel = parcels_[what.number()];
  if (pass == 0) return parcel.prefetch();
  if (what.kind() == Parcel::Kind::kPut) parcel.flow->prefetch();
}

void Courier::comes(int rank, Picoseconds when, std::uint32_t parcel, bool comes_out) {
  inbox_of(rank).box.push(when, parcel, comes_out);
  if (prompt_ || inbox_of(rank).sleepers > 0) arm(rank);
}

void Courier::arm(int rank) {
  RankInbox& inbox = inbox_of(rank);
  const Picoseconds first = inbox.box.first();
  if (first >= inbox.armed) return;
  inbox.armed = first;
  scheduler_.at(first, {.rank = rank}, [this, rank] {
    RankInbox& its = inbox_of(rank);
    if (its.armed == scheduler_.now()) its.armed = kNever;
    bring(rank);
    if (prompt_ || its.sleepers > 0) arm(rank);
  });
}

void Courier::bring_all(Picoseconds limit) {
  for (int rank = 0; rank < topology_.ranks(); ++rank) {
    bring_until(rank, limit - Picoseconds(1));
  }
}

// All that has come lies about in memory: fetched a few ahead, the parcel first and then what it
// points to.
void Courier::bring_until(int rank, Picoseconds last) {
  constexpr std::size_t kParcelAhead = 12;
  constexpr std::size_t kRestAhead = 6;
  Inbox& box = inbox_of(rank).box;
  while (box.first() <= last) {
    if (const Inbox::Entry* const later = box.peek(kParcelAhead)) {
      parcels_[later->parcel].prefetch();
    }
    if (const Inbox::Entry* const later = box.peek(kRestAhead)) {
      const Parcel& parcel = parcels_[later->parcel];
      parcel.flow->prefetch();
      if (parcel.kind == Parcel::Kind::kPost) __builtin_prefetch(parcel.line, 1);
    }
    const Inbox::Entry entry = box.pop();
    Parcel& parcel = parcels_[entry.parcel];
    if (entry.comes_out) {
      --parcel.flow->coming;
      deliver(parcel, entry.when);
      continue;
    }
    parcel.state = Parcel::State::kArrives;
    parcel.when = entry.when;
    settle(*parcel.flow, last);
  }
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

// What the fabric has told lets parcels come out in order; those that do by `last` are delivered.
void Courier::settle(Flow& flow, Picoseconds last) {
  while (flow.unsettled != nullptr && flow.unsettled->state != Parcel::State::kUnderWay) {
    Parcel& parcel = *flow.unsettled;
    flow.unsettled = parcel.next;
    if (parcel.state == Parcel::State::kLost) {
      flow.broken = true;
      flow.latest = std::max(flow.latest, scheduler_.now());
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
    if (parcel.kind == Parcel::Kind::kPut) {
      parcel.settled = true;
      if (parcel.delivered) remove(parcel);
    } else if (flow.broken && parcel.kind != Parcel::Kind::kFarewell) {
      remove(parcel);
    } else if (flow.latest <= last && flow.coming == 0) {
      deliver(parcel, flow.latest);
    } else {
      ++flow.coming;
      comes(flow.to, flow.latest, parcel.number, true);
    }
  }
}

void Courier::deliver(Parcel& parcel, Picoseconds when) {
  Flow& flow = *parcel.flow;
  const Parcel::Kind kind = parcel.kind;
  counts_.deliveries += kind == Parcel::Kind::kFarewell ? 0 : 1;
  const bool there = !parcel.dropped;
  if (there && kind == Parcel::Kind::kPut) deliver_put(parcel);
  if (there && kind == Parcel::Kind::kPost) {
    Line& line = *parcel.line;
    std::memcpy(line.payload, parcel.content.payload, sizeof(line.payload));
    std::atomic_ref(line.stamp).store(parcel.content.stamp, std::memory_order_relaxed);
    // Release: pairs with the acquire load of whoever waits for this line.
    line.value.store(parcel.content.value, std::memory_order_release);
  }
  if (there && kind != Parcel::Kind::kFarewell) fold(parcel, when);
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
  if (kind != Parcel::Kind::kPut || parcel.settled) {
    remove(parcel);
  } else {
    // Its flow still has to hear when it arrived.
    give_bytes_back(parcel);
    parcel.delivered = true;
  }
  if (there && kind == Parcel::Kind::kPost) flow.owner->line_filled(flow);
  if (there && kind == Parcel::Kind::kFarewell) flow.owner->said_farewell(flow);
  if (record_ != nullptr) record_->deliver(kNoRecord);
}

void Courier::deliver_put(const Parcel& parcel) {
  const std::byte* taken = parcel.put->taken;
  std::uint64_t hash = 0;
  for (const CopyPiece& piece : parcel.put->pieces) {
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

void Courier::give_bytes_back(Parcel& parcel) {
  if (parcel.put == nullptr) return;
  buffers_.give_back(parcel.put->taken, parcel.bytes);
  put_contents_.give_back(*std::exchange(parcel.put, nullptr));
}

void Courier::remove(Parcel& parcel) {
  parcel.flow->remove(parcel);
  if (parcel.kind == Parcel::Kind::kPut) give_bytes_back(parcel);
  parcels_.give_back(parcel);
}

}  // namespace tutti::ub
