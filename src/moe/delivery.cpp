#include "moe/delivery.hpp"

#include "base/error.hpp"
#include "kernels/copy.hpp"

namespace tutti::moe {

namespace {
// Parts of one call to the kernel: enough to share its cost, few enough to stay in the cache until
// they have been copied on to their other places.
constexpr std::size_t kBatch = 32;
}  // namespace

Delivery::Walk::Walk(const Delivery& delivery, From from, Rank source, const Places& places,
                     std::size_t bytes)
    : delivery_(delivery),
      from_(from),
      source_(source),
      places_(places),
      bytes_(bytes),
      entries_(delivery.plan_.entries_from(source)),
      rows_(delivery.arrivals_.rows_of(source)) {}

bool Delivery::Walk::next(Step& step) {
  while (at_ < entries_.size()) {
    step_over(step);
    if (step.count > 0 && (step.via >= Entry::kFirstMate) == (from_ == From::kMates)) return true;
  }
  return false;
}

void Delivery::Walk::step_over(Step& step) {
  step.token = entries_[at_].token;
  step.via = entries_[at_].via();
  if (step.token >= static_cast<std::uint32_t>(delivery_.plan_.tokens_of(source_))) {
    delivery_.channel_.raise(Error(tuttiRemoteError,
                                   fmt::format("rank {} routes token {} of {}", source_, step.token,
                                               delivery_.plan_.tokens_of(source_)),
                                   {source_}));
  }
  const bool together = delivery_.rows_per_ == tuttiMoeRowsPerRank;
  step.count = 0;
  if (RelayBlock::begins(entries_, at_)) {
    step.places[step.count++] = places_.relayed;
    places_.relayed += bytes_;
  }
  do {
    std::byte* const place = places_.out + std::size_t{rows_[at_]} * bytes_;
    const bool is_new = step.count == 0 || step.places[step.count - 1] != place;
    if (places_.out != nullptr && is_new) step.places[step.count++] = place;
    ++at_;
  } while (together && at_ < entries_.size() && entries_[at_].token == step.token &&
           step.count < step.places.size());
}

void Delivery::take(Rank source, const Parts& parts, const Places& places) {
  const auto tokens = static_cast<std::size_t>(plan_.tokens_of(source));
  if (tokens == 0 || parts.bytes == 0) return;
  if (channel_.reads_wait()) {
    want({source, parts, places});
    return;
  }
  const Rank self = channel_.rank();
  if (source != self && !channel_.in_view(source, parts.first.where)) {
    fetch(source, parts, places);
    return;
  }
  const std::size_t extent = (tokens - 1) * parts.stride + parts.bytes;
  copy(source, channel_.view(source, parts.first, extent), parts, places);
}

void Delivery::copy(Rank source, const std::byte* first, const Parts& parts, const Places& to) {
  const std::uint64_t began = start();
  Walk walk(*this, From::kSource, source, to, parts.bytes);
  std::size_t places = 0;  // beside those that the view of a peer's rows has paid for
  Step step;
  while (walk.next(step)) {
    const std::byte* const from = first + step.token * parts.stride;
    if (channel_.moves(Read{from, parts.bytes}, Writes{step.all(), parts.bytes})) {
      store(step.all(), from, parts.bytes);
    }
    places += step.count - (source == channel_.rank() ? 0 : 1);
  }
  stop(began);
  channel_.charge(LocalWork::copy(places * parts.bytes));
}

void Delivery::store(std::span<std::byte* const> places, const std::byte* from,
                     std::size_t bytes) const {
  constexpr std::size_t kLeastStreamed = 1024;  // a fence follows
  kernels::copy_row_to_many(places, from, bytes, plan_.stored.streaming && bytes >= kLeastStreamed);
}

void Delivery::copy_on(const Step& step, std::size_t bytes) const {
  const auto others = step.all().subspan(1);
  if (others.empty() || !channel_.moves(Read{step.places[0], bytes}, Writes{others, bytes})) return;
  store(others, step.places[0], bytes);
}

void Delivery::fetch(Rank source, const Parts& parts, const Places& to) {
  Walk ahead(*this, From::kSource, source, to, parts.bytes);
  Walk behind = ahead;
  std::array<Fetch, kBatch> pieces;
  Step step;
  for (;;) {
    std::size_t count = 0;
    while (count < kBatch && ahead.next(step)) {
      pieces[count++] = fetch_of(source, parts, step);
    }
    if (count == 0) return;
    channel_.get(parts.first.where, {pieces.data(), count});
    const std::uint64_t began = start();
    std::size_t places = 0;
    for (std::size_t i = 0; i < count; ++i) {
      behind.next(step);
      copy_on(step, parts.bytes);
      places += step.count - 1;
    }
    stop(began);
    channel_.charge(LocalWork::copy(places * parts.bytes));
  }
}

void Delivery::want(const Wanted& wanted) {
  Walk walk(*this, From::kSource, wanted.source, wanted.places, wanted.parts.bytes);
  Step step;
  while (walk.next(step)) {
    fetches_.add(wanted.parts.first.where, fetch_of(wanted.source, wanted.parts, step));
  }
  wanted_.push_back(wanted);
}

void Delivery::finish() {
  fetches_.bring(channel_);
  for (const Wanted& wanted : wanted_) {
    copy_all_on({*this, From::kSource, wanted.source, wanted.places, wanted.parts.bytes},
                wanted.parts.bytes);
  }
}

void Delivery::copy_all_on(Walk walk, std::size_t bytes) {
  const std::uint64_t began = start();
  std::size_t places = 0;
  Step step;
  while (walk.next(step)) {
    copy_on(step, bytes);
    places += step.count - 1;
  }
  stop(began);
  channel_.charge(LocalWork::copy(places * bytes));
}

void Delivery::take_relayed(const RelayReader& reader, RelayReader::Of of, std::size_t bytes,
                            std::byte* out) {
  if (out == nullptr || bytes == 0) return;
  fetches_.clear();
  for (Rank source = 0; source < channel_.ranks(); ++source) {
    Walk walk(*this, From::kMates, source, {.out = out}, bytes);
    Step step;
    while (walk.next(step)) {
      fetches_.add(MemoryRef::Where::kHeap, reader.fetch(of, step.via - Entry::kFirstMate, source,
                                                         step.token, {step.places[0], bytes}));
    }
  }
  fetches_.bring(channel_);
  for (Rank source = 0; source < channel_.ranks(); ++source) {
    copy_all_on({*this, From::kMates, source, {.out = out}, bytes}, bytes);
  }
}

}  // namespace tutti::moe
