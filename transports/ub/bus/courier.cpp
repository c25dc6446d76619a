// What ranks ask of the courier; what the fabric tells it is in courier_arrivals.cpp.
#include "transports/ub/bus/courier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "kernels/copy.hpp"

namespace tutti::ub {

namespace {

class ReadSubject final : public ParkSubject {
 public:
  explicit ReadSubject(const Reading& reading) : reading_(reading) {}
  std::string describe() const override {
    const Parcel* parcel = reading_.first;
    while (parcel->state != Parcel::State::kUnderWay && parcel->next != nullptr) {
      parcel = parcel->next;
    }
    return fmt::format("{} bytes from rank {}", parcel->bytes, parcel->from);
  }

 private:
  const Reading& reading_;
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
      record_(options.record),
      races_(options.races),
      bound_(topology, deaf_),
      fabric_(make_fabric(topology, options.fabric, queue, *this)),
      parcels_(topology.ranks()),
      prompt_(record_ != nullptr || races_ != nullptr || !topology.profile().faults.empty() ||
              !options.fabric.faults.empty()),
      inboxes_(static_cast<std::size_t>(topology.ranks())),
      gone_(static_cast<std::size_t>(topology.ranks())) {}

Parcel& Courier::make(Parcel::Kind kind, int from, int to, std::uint64_t bytes) {
  Parcel& parcel = parcels_.take(kind == Parcel::Kind::kRead ? to : from);
  parcel.kind = kind;
  parcel.state = Parcel::State::kUnderWay;
  parcel.left = parcel.dropped = parcel.settled = parcel.delivered = false;
  parcel.from = from;
  parcel.to = to;
  parcel.bytes = bytes;
  parcel.flow = nullptr;
  return parcel;
}

void Courier::start(const Parcel& parcel, std::uint32_t rows, Picoseconds at) {
  const bool reads = parcel.kind == Parcel::Kind::kRead;
  const Transfer transfer{.rank = reads ? parcel.to : parcel.from,
                          .peer = reads ? parcel.from : parcel.to,
                          .direction = reads ? Direction::kRead : Direction::kWrite,
                          .rows = rows,
                          .bytes = parcel.bytes,
                          .tag = ParcelTag(parcel).bits()};
  if (record_ != nullptr) record_->started(parcel, rows, scheduler_.current(), at);
  ++counts_.transfers;
  bound_.start(at, transfer);
  if (!meters_.empty()) {
    if (PortSums* const sums = meters_[static_cast<std::size_t>(transfer.rank)])
      sums->add(transfer);
  }
  fabric_->start(at, transfer);
}

void Courier::put(Flow& flow, std::span<const CopyPiece> pieces, std::byte* taken, Picoseconds at) {
  std::uint64_t bytes = 0;
  std::uint32_t rows = 0;
  for (const CopyPiece& piece : pieces) {
    bytes += piece.bytes;
    rows += piece.bytes > 0 ? 1 : 0;
  }
  if (rows == 0) return;
  Parcel& parcel = make(Parcel::Kind::kPut, flow.from, flow.to, bytes);
  parcel.put = &put_contents_.take();
  parcel.put->pieces.assign(pieces.begin(), pieces.end());
  parcel.put->taken = taken;
  flow.append(parcel);
  ++flow.not_left;
  if (races_ != nullptr) check_put(flow, parcel);
  start(parcel, rows, at);
}

void Courier::check_put(const Flow& flow, const Parcel& parcel) {
  races_->begin_put(&flow, flow.from, flow.to, parcel.number);
  for (const CopyPiece& piece : parcel.put->pieces) {
    if (piece.destination == nullptr) continue;
    races_->put_piece(parcel.put->taken == nullptr ? piece.source : nullptr, piece.destination,
                      piece.bytes);
  }
}

void Courier::post(Flow& flow, Line& line, std::uint64_t value, const LineContent& content,
                   Picoseconds at) {
  Parcel& parcel = make(Parcel::Kind::kPost, flow.from, flow.to, sizeof(Line));
  parcel.line = &line;
  std::memcpy(parcel.content.payload, content.payload, sizeof(content.payload));
  parcel.content.stamp = content.stamp;
  parcel.content.value = value;
  flow.append(parcel);
  if (races_ != nullptr) races_->post(&flow, flow.from, flow.to, parcel.number, line, at);
  start(parcel, 1, at);
  // Who tells one peer tells the next one.
  (&flow + 1)->prefetch();
}

void Courier::say_farewell(Flow& flow) {
  Parcel& parcel = make(Parcel::Kind::kFarewell, flow.from, flow.to, 0);
  parcel.state = Parcel::State::kArrives;
  parcel.when = scheduler_.now();
  flow.append(parcel);
  settle(flow);
}

std::optional<int> Courier::read(int reader, std::span<const ReadPart> parts) {
  Reading reading{.fibre = scheduler_.current()};
  // Also when the fibre is ended while it waits.
  struct Guard {
    Courier& courier;
    Reading& reading;
    ~Guard() { courier.end(reading); }
  } const guard{*this, reading};
  Parcel** link = &reading.first;
  constexpr std::uint32_t kAhead = 8;
  Parcel* behind = nullptr;  // by so many
  for (const ReadPart& part : parts) {
    Parcel& parcel = make(Parcel::Kind::kRead, part.owner, reader, part.bytes);
    parcel.reading = &reading;
    parcel.next = parcel.previous = nullptr;
    *link = &parcel;
    link = &parcel.next;
    if (++reading.under_way > kAhead) {
      behind->previous = &parcel;
      behind = behind->next;
    } else if (behind == nullptr) {
      behind = &parcel;
    }
  }
  const Parcel* parcel = reading.first;
  for (const ReadPart& part : parts) {
    start(*parcel, part.rows, scheduler_.now());
    parcel = parcel->next;
  }
  const Picoseconds since = scheduler_.now();
  await(reading, reader);
  if (record_ != nullptr) record_read(reading, since);
  if (reading.lost != nullptr) return reading.lost->from;
  for (const Parcel* here = reading.first; here != nullptr; here = here->next) {
    __builtin_prefetch(here->previous);
    if (here->state == Parcel::State::kUnderWay) return here->from;  // cancelled
    fold(*here, here->when);
  }
  return std::nullopt;
}

void Courier::await(Reading& reading, int reader) {
  const auto there = [&] {
    if (reading.lost != nullptr) return scheduler_.now() >= reading.lost->when;
    return reading.under_way == 0 && scheduler_.now() >= reading.latest;
  };
  while (!there()) {
    if (scheduler_.park_until(kNever, ReadSubject(reading)) != Wake::kCancelled) continue;
    check_alive(reader);
    return;
  }
}

// The wait ended because of what came last.
void Courier::record_read(const Reading& reading, Picoseconds since) {
  std::uint32_t last = kNoRecord;
  for (const Parcel* part = reading.first; part != nullptr && reading.lost == nullptr;
       part = part->next) {
    if (part->state == Parcel::State::kArrives && part->when == reading.latest) {
      last = record_->transfer_of(part->number);
    }
  }
  record_->waited_for(reading.fibre, since, scheduler_.now(), RecordedSpan::Cause::kDelivery, last);
}

// What is still under way is the fabric's until it ends.
void Courier::end(Reading& reading) noexcept {
  Parcel* next = nullptr;
  for (Parcel* parcel = reading.first; parcel != nullptr; parcel = next) {
    next = parcel->next;
    if (parcel->state == Parcel::State::kUnderWay) {
      parcel->reading = nullptr;
    } else {
      parcels_.give_back(*parcel);
    }
  }
}

void Courier::note_payload(int reader, int owner, std::span<const std::byte> bytes,
                           const std::byte* next) {
  if (!payload_digest_) return;
  digest_.add_payload(owner, reader, hash_bytes(bytes, 0, next));
}

bool Courier::flush(Flow& flow, Picoseconds deadline) {
  const Picoseconds since = scheduler_.now();
  if (!await_left(flow, deadline)) return false;
  if (record_ != nullptr) {
    record_->waited_for(scheduler_.current(), since, scheduler_.now(), RecordedSpan::Cause::kLeft,
                        flow.latest_left_record);
  }
  take_sources(flow);
  return true;
}

bool Courier::await_left(Flow& flow, Picoseconds deadline) {
  while (flow.not_left > 0 || scheduler_.now() < flow.latest_left) {
    if (scheduler_.now() >= deadline) return false;
    if (flow.not_left == 0) {
      scheduler_.advance(std::min(deadline, flow.latest_left) - scheduler_.now());
      check_alive(flow.from);
      continue;
    }
    const WaitList::Place place(flow.flushing, scheduler_.current());
    if (scheduler_.park_until(deadline, FlushSubject(flow)) != Wake::kCancelled) continue;
    check_alive(flow.from);
    return false;
  }
  return true;
}

void Courier::take_sources(Flow& flow) {
  if (races_ != nullptr) races_->sources_free(&flow);
  for (Parcel* parcel = flow.first; parcel != nullptr; parcel = parcel->next) {
    if (!parcel->needs_sources() || parcel->dropped) continue;
    PutContent& content = *parcel->put;
    std::byte* to = content.taken = buffers_.take(parcel->bytes);
    for (const CopyPiece& piece : content.pieces) {
      if (piece.destination == nullptr) continue;
      kernels::copy(to, piece.source, piece.bytes);
      to += piece.bytes;
    }
  }
}

void Courier::drop_sources(Flow& flow) noexcept {
  bool gone = false;
  for (Parcel* parcel = flow.first; parcel != nullptr; parcel = parcel->next) {
    const bool needed = parcel->needs_sources();
    gone = gone || needed;
    parcel->dropped = gone && (needed || parcel->kind != Parcel::Kind::kPut);
  }
  flow.broken = flow.broken || gone;
}

// Unless the fibre is on its way out already.
void Courier::end_fibre() {
  if (std::uncaught_exceptions() == 0) throw FibreUnwind{};
}

}  // namespace tutti::ub
