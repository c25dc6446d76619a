#include "transports/ub/bus/courier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>

#include "kernels/copy.hpp"

namespace tutti::ub {

namespace {

class ReadSubject final : public ParkSubject {
 public:
  explicit ReadSubject(const Parcel& parcel) : parcel_(parcel) {}
  std::string describe() const override {
    return fmt::format("{} bytes from rank {}", parcel_.bytes, parcel_.from);
  }

 private:
  const Parcel& parcel_;
};

class FlushSubject final : public ParkSubject {
 public:
  explicit FlushSubject(const Flow& flow) : flow_(flow) {}
  std::string describe() const override {
    return fmt::format("its puts to rank {} to leave", flow_.to);
  }

 private:
  const Flow& flow_;
};

}  // namespace

Courier::Courier(Scheduler& scheduler, const Topology& topology, const CourierOptions& options,
                 ModelEvents& queue)
    : scheduler_(scheduler),
      topology_(topology),
      payload_digest_(options.payload_digest),
      bound_(topology, deaf_),
      fabric_(make_fabric(topology, options.fabric, queue, *this)),
      gone_(static_cast<std::size_t>(topology.ranks())) {}

Parcel& Courier::make(Parcel::Kind kind, int from, int to, std::uint64_t bytes) {
  Parcel& parcel = parcels_.take();
  parcel.kind = kind;
  parcel.state = Parcel::State::kUnderWay;
  parcel.left = parcel.dropped = false;
  parcel.from = from;
  parcel.to = to;
  parcel.bytes = bytes;
  parcel.flow = nullptr;
  return parcel;
}

void Courier::start(const Parcel& parcel, std::uint32_t rows) {
  const bool reads = parcel.kind == Parcel::Kind::kRead;
  const Transfer transfer{.rank = reads ? parcel.to : parcel.from,
                          .peer = reads ? parcel.from : parcel.to,
                          .direction = reads ? Direction::kRead : Direction::kWrite,
                          .rows = rows,
                          .bytes = parcel.bytes,
                          .tag = parcel.number};
  ++counts_.transfers;
  bound_.start(scheduler_.now(), transfer);
  fabric_->start(scheduler_.now(), transfer);
}

void Courier::put(Flow& flow, std::span<const CopyPiece> pieces, std::byte* taken) {
  std::uint64_t bytes = 0;
  std::uint32_t rows = 0;
  for (const CopyPiece& piece : pieces) {
    bytes += piece.bytes;
    rows += piece.bytes > 0 ? 1 : 0;
  }
  if (rows == 0) return;
  Parcel& parcel = make(Parcel::Kind::kPut, flow.from, flow.to, bytes);
  parcel.pieces.assign(pieces.begin(), pieces.end());
  parcel.taken = taken;
  flow.append(parcel);
  ++flow.not_left;
  start(parcel, rows);
}

void Courier::post(Flow& flow, Line& line, std::uint64_t value, const LineContent& content) {
  Parcel& parcel = make(Parcel::Kind::kPost, flow.from, flow.to, sizeof(Line));
  parcel.line = &line;
  parcel.value = value;
  parcel.content = content;
  flow.append(parcel);
  start(parcel, 1);
}

void Courier::say_farewell(Flow& flow) {
  Parcel& parcel = make(Parcel::Kind::kFarewell, flow.from, flow.to, 0);
  parcel.state = Parcel::State::kArrives;
  parcel.when = scheduler_.now();
  flow.append(parcel);
  settle(flow);
}

bool Courier::read(int reader, int owner, std::uint64_t bytes, std::uint32_t rows) {
  Parcel& parcel = make(Parcel::Kind::kRead, owner, reader, bytes);
  parcel.reader = scheduler_.current();
  // Also when the fibre is ended while it waits: then the fabric still has the parcel.
  struct Guard {
    Courier& courier;
    Parcel& parcel;
    ~Guard() {
      if (parcel.state == Parcel::State::kUnderWay) {
        parcel.reader = {};
      } else {
        courier.parcels_.give_back(parcel);
      }
    }
  } const guard{*this, parcel};
  start(parcel, rows);
  while (parcel.state == Parcel::State::kUnderWay || scheduler_.now() < parcel.when) {
    if (scheduler_.park_until(kNever, ReadSubject(parcel)) != Wake::kCancelled) continue;
    check_alive(reader);
    return false;
  }
  if (parcel.state == Parcel::State::kLost) return false;
  fold(parcel);
  return true;
}

void Courier::note_payload(int reader, int owner, std::span<const std::byte> bytes) {
  if (!payload_digest_) return;
  digest_.add_payload(owner, reader, hash_bytes(bytes, 0));
}

bool Courier::flush(Flow& flow, Picoseconds deadline) {
  while (flow.not_left > 0 || scheduler_.now() < flow.latest_left) {
    if (scheduler_.now() >= deadline) return false;
    const Picoseconds until = flow.not_left > 0 ? deadline : std::min(deadline, flow.latest_left);
    const WaitList::Place place(flow.flushing, scheduler_.current());
    if (scheduler_.park_until(until, FlushSubject(flow)) != Wake::kCancelled) continue;
    check_alive(flow.from);
    return false;
  }
  take_sources(flow);
  return true;
}

void Courier::take_sources(Flow& flow) {
  for (Parcel* parcel = flow.first; parcel != nullptr; parcel = parcel->next) {
    if (parcel->kind != Parcel::Kind::kPut || parcel->taken != nullptr || parcel->dropped) continue;
    parcel->taken = buffers_.take(parcel->bytes);
    std::byte* to = parcel->taken;
    for (const CopyPiece& piece : parcel->pieces) {
      kernels::copy(to, piece.source, piece.bytes);
      to += piece.bytes;
    }
  }
}

void Courier::drop_sources(Flow& flow) noexcept {
  bool gone = false;
  for (Parcel* parcel = flow.first; parcel != nullptr; parcel = parcel->next) {
    if (parcel->kind == Parcel::Kind::kPut && parcel->taken == nullptr) gone = true;
    parcel->dropped = gone && (parcel->kind != Parcel::Kind::kPut || parcel->taken == nullptr);
  }
  flow.broken = flow.broken || gone;
}

void Courier::note_left(Flow& flow, Picoseconds when) {
  flow.latest_left = std::max(flow.latest_left, when);
  if (--flow.not_left == 0) flow.flushing.wake_all(scheduler_);
}

void Courier::left(std::uint64_t tag, Picoseconds when) {
  Parcel& parcel = parcels_[tag];
  if (parcel.kind != Parcel::Kind::kPut) return;
  parcel.left = true;
  note_left(*parcel.flow, when);
}

void Courier::arrived(std::uint64_t tag, Picoseconds when) {
  Parcel& parcel = parcels_[tag];
  if (parcel.kind == Parcel::Kind::kRead) return end_read(parcel, Parcel::State::kArrives, when);
  parcel.state = Parcel::State::kArrives;
  parcel.when = when;
  if (parcel.kind == Parcel::Kind::kPut) {
    scheduler_.at(when, {.rank = parcel.to}, [this, &parcel] { deliver(parcel); });
  }
  settle(*parcel.flow);
}

void Courier::lost(std::uint64_t tag, Picoseconds when) {
  Parcel& parcel = parcels_[tag];
  if (parcel.kind == Parcel::Kind::kRead) return end_read(parcel, Parcel::State::kLost, when);
  parcel.state = Parcel::State::kLost;
  Flow& flow = *parcel.flow;
  if (parcel.kind == Parcel::Kind::kPut && !parcel.left) note_left(flow, when);
  scheduler_.at(when, {.rank = flow.from}, [&flow] { flow.owner->lost(flow); });
  settle(flow);
}

void Courier::end_read(Parcel& parcel, Parcel::State state, Picoseconds when) {
  if (!parcel.reader) return parcels_.give_back(parcel);
  parcel.state = state;
  parcel.when = when;
  scheduler_.wake(parcel.reader, when);
}

// What the fabric has told lets parcels come out in order. A put's own event was scheduled before,
// for the same rank: at an equal time it comes first.
void Courier::settle(Flow& flow) {
  while (flow.unsettled != nullptr && flow.unsettled->state != Parcel::State::kUnderWay) {
    Parcel& parcel = *flow.unsettled;
    flow.unsettled = parcel.next;
    if (parcel.state == Parcel::State::kLost) {
      flow.broken = true;
      remove(parcel);
      continue;
    }
    flow.latest = std::max(flow.latest, parcel.when);
    if (parcel.kind == Parcel::Kind::kPut) continue;
    if (flow.broken && parcel.kind != Parcel::Kind::kFarewell) {
      remove(parcel);
      continue;
    }
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
    line.value.store(parcel.value, std::memory_order_release);
  }
  if (there && kind != Parcel::Kind::kFarewell) fold(parcel);
  remove(parcel);
  if (there && kind == Parcel::Kind::kPost) flow.owner->line_filled(flow);
  if (there && kind == Parcel::Kind::kFarewell) flow.owner->said_farewell(flow);
}

void Courier::deliver_put(const Parcel& parcel) {
  const std::byte* taken = parcel.taken;
  std::uint64_t hash = 0;
  for (const CopyPiece& piece : parcel.pieces) {
    const std::byte* const source = taken != nullptr ? taken : piece.source;
    kernels::copy(piece.destination, source, piece.bytes);
    if (payload_digest_) hash = hash_bytes({source, piece.bytes}, hash);
    if (taken != nullptr) taken += piece.bytes;
  }
  if (payload_digest_) digest_.add_payload(parcel.from, parcel.to, hash);
}

void Courier::fold(const Parcel& parcel) {
  counts_.bytes += parcel.bytes;
  counts_.last = std::max(counts_.last, scheduler_.now());
  digest_.fold_arrival(scheduler_.now(), parcel);
}

void Courier::remove(Parcel& parcel) {
  parcel.flow->remove(parcel);
  if (parcel.kind == Parcel::Kind::kPut) {
    buffers_.give_back(parcel.taken, parcel.bytes);
    parcel.taken = nullptr;
  }
  parcels_.give_back(parcel);
}

// Unless the fibre is on its way out already.
void Courier::end_fibre() {
  if (std::uncaught_exceptions() == 0) throw FibreUnwind{};
}

}  // namespace tutti::ub
