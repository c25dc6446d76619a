#include "transports/ub/bus/run_record.hpp"

#include <utility>

namespace tutti::ub {

namespace {

// Vectors have room for twice as many.
constexpr std::uint64_t kSpanBytes = 2 * sizeof(RecordedSpan);

}  // namespace

std::uint32_t RunRecord::fibre_of_rank(int rank) const noexcept {
  for (std::size_t i = 0; i < fibres_.size(); ++i) {
    if (fibres_[i].who == Entity{.rank = rank}) return static_cast<std::uint32_t>(i);
  }
  return kNoRecord;
}

bool RunRecord::room_for(std::uint64_t bytes) noexcept {
  full_ = full_ || bytes > most_bytes_ - bytes_;
  if (!full_) bytes_ += bytes;
  return !full_;
}

RecordedTransfer* RunRecord::find(std::uint64_t parcel) noexcept {
  const std::uint32_t number = transfer_of(static_cast<std::uint32_t>(parcel));
  return number == kNoRecord ? nullptr : &transfers_[number];
}

void RunRecord::spawned(FibreId id, const Entity& who, Picoseconds time,
                        std::optional<FibreId> by) {
  if (id.index >= of_fibre_.size()) of_fibre_.resize(id.index + 1, kNoRecord);
  const std::uint32_t parent = by ? number_of(*by) : kNoRecord;
  of_fibre_[id.index] = static_cast<std::uint32_t>(fibres_.size());
  fibres_.push_back({.who = who, .begin = time, .by = parent});
  wakers_.emplace_back();
  open_calls_.emplace_back();
}

void RunRecord::woken(FibreId id, std::optional<FibreId> by) {
  Waker& waker = wakers_[number_of(id)];
  if (delivering_ != kNoRecord) {
    waker = {.cause = RecordedSpan::Cause::kDelivery, .by = delivering_};
  } else if (by) {
    waker = {.cause = RecordedSpan::Cause::kFibre, .by = number_of(*by)};
  }
}

void RunRecord::add_span(std::uint32_t fibre, const RecordedSpan& span) {
  if (span.end > span.begin && room_for(kSpanBytes)) fibres_[fibre].spans.push_back(span);
}

void RunRecord::waited(FibreId id, Picoseconds since, Picoseconds until) {
  const std::uint32_t fibre = number_of(id);
  const Waker waker = std::exchange(wakers_[fibre], {});
  add_span(fibre, {.begin = since, .end = until, .cause = waker.cause, .by = waker.by});
}

void RunRecord::worked(FibreId id, Activity what, Picoseconds begin, Picoseconds end) {
  add_span(number_of(id), {.begin = begin, .end = end, .what = what});
}

void RunRecord::waited_for(FibreId id, Picoseconds since, Picoseconds until,
                           RecordedSpan::Cause cause, std::uint32_t transfer) {
  const std::uint32_t fibre = number_of(id);
  std::vector<RecordedSpan>& spans = fibres_[fibre].spans;
  while (!spans.empty() && spans.back().begin >= since) {
    spans.pop_back();
    if (!full_) bytes_ -= kSpanBytes;
  }
  wakers_[fibre] = {};
  if (transfer == kNoRecord) cause = RecordedSpan::Cause::kUnknown;
  add_span(fibre, {.begin = since, .end = until, .cause = cause, .by = transfer});
}

void RunRecord::begin_mark(FibreId id, std::string name, Picoseconds when) {
  end_mark(id, when);
  if (!room_for(2 * sizeof(RecordedMark))) return;
  marks_.push_back({.fibre = number_of(id), .name = std::move(name), .begin = when});
}

void RunRecord::end_mark(FibreId id, Picoseconds when) {
  const std::uint32_t fibre = number_of(id);
  for (auto mark = marks_.rbegin(); mark != marks_.rend(); ++mark) {
    if (mark->fibre != fibre) continue;
    if (mark->end == RecordedTransfer::kNot) mark->end = when;
    return;
  }
}

void RunRecord::begin_call(FibreId id, const CallFacts& facts, Picoseconds when) {
  const std::uint32_t fibre = number_of(id);
  const std::uint64_t text = facts.kind.size() + facts.communicator.size() + facts.algorithm.size();
  if (!room_for(2 * sizeof(RecordedCall) + text)) return open_calls_[fibre].push_back(kNoRecord);
  open_calls_[fibre].push_back(static_cast<std::uint32_t>(calls_.size()));
  calls_.push_back({.fibre = fibre,
                    .kind = std::string(facts.kind),
                    .communicator = std::string(facts.communicator),
                    .algorithm = std::string(facts.algorithm),
                    .bytes = facts.bytes,
                    .sequence = facts.sequence,
                    .begin = when});
}

void RunRecord::end_call(FibreId id, Picoseconds when) noexcept {
  std::vector<std::uint32_t>& open = open_calls_[number_of(id)];
  if (open.empty()) return;  // of a process whose words got lost behind an error
  const std::uint32_t call = open.back();
  open.pop_back();
  if (call != kNoRecord) calls_[call].end = when;
}

void RunRecord::note_experts(FibreId id, std::span<const int> experts,
                             std::span<const std::int64_t> rows) {
  const std::vector<std::uint32_t>& open = open_calls_[number_of(id)];
  if (open.empty() || open.back() == kNoRecord) return;
  if (!room_for(2 * sizeof(RecordedLoad) * experts.size())) return;
  for (std::size_t i = 0; i < experts.size(); ++i) {
    loads_.push_back({.call = open.back(), .expert = experts[i], .rows = rows[i]});
  }
}

void RunRecord::started(const Parcel& parcel, std::uint32_t rows, FibreId by, Picoseconds when) {
  if (parcel.number >= of_parcel_.size()) of_parcel_.resize(parcel.number + 1, kNoRecord);
  of_parcel_[parcel.number] = kNoRecord;
  if (!room_for(sizeof(RecordedTransfer))) return;
  of_parcel_[parcel.number] = static_cast<std::uint32_t>(transfers_.size());
  transfers_.push_back({.started = when,
                        .bytes = parcel.bytes,
                        .from = parcel.from,
                        .to = parcel.to,
                        .fibre = number_of(by),
                        .rows = rows,
                        .kind = parcel.kind});
}

void RunRecord::issued(std::uint64_t tag, Picoseconds first, Picoseconds last) {
  if (RecordedTransfer* const transfer = find(ParcelTag(tag).number())) {
    transfer->first_issue = first;
    transfer->last_issue = last;
  }
}

void RunRecord::took_egress(std::uint64_t tag, Picoseconds start) {
  if (RecordedTransfer* const transfer = find(ParcelTag(tag).number())) transfer->egress = start;
}

void RunRecord::took_ingress(std::uint64_t tag, Picoseconds start, Picoseconds end) {
  if (RecordedTransfer* const transfer = find(ParcelTag(tag).number())) {
    transfer->ingress = start;
    transfer->passed = end;
  }
}

void RunRecord::left(std::uint32_t parcel, Picoseconds when) {
  if (RecordedTransfer* const transfer = find(parcel)) transfer->left = when;
}

void RunRecord::arrived(std::uint32_t parcel, Picoseconds when) {
  if (RecordedTransfer* const transfer = find(parcel)) transfer->arrived = when;
}

void RunRecord::came_out_behind(std::uint32_t parcel, std::uint32_t transfer) {
  if (RecordedTransfer* const late = find(parcel)) late->behind = transfer;
}

}  // namespace tutti::ub
