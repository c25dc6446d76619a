#include "moe/delivery.hpp"

#include "base/error.hpp"
#include "kernels/copy.hpp"

namespace tutti::moe {

namespace {
// Parts of one call to the kernel: enough to share its cost, few enough to stay in the cache until
// they have been copied on to their other places.
constexpr std::size_t kBatch = 32;
}  // namespace

Delivery::Walk::Walk(const Delivery& delivery, Rank source, std::byte* out, std::size_t bytes)
    : delivery_(delivery),
      source_(source),
      out_(out),
      bytes_(bytes),
      entries_(delivery.plan_.entries_from(source)),
      rows_(delivery.arrivals_.rows_of(source)) {}

bool Delivery::Walk::next(Step& step) {
  if (at_ == entries_.size()) return false;
  step.token = entries_[at_].token;
  if (step.token >= static_cast<std::uint32_t>(delivery_.plan_.tokens_of(source_))) {
    delivery_.channel_.raise(Error(tuttiRemoteError,
                                   fmt::format("rank {} routes token {} of {}", source_, step.token,
                                               delivery_.plan_.tokens_of(source_)),
                                   {source_}));
  }
  const bool together = delivery_.rows_per_ == tuttiMoeRowsPerRank;
  step.count = 0;
  do {
    std::byte* const place = out_ + std::size_t{rows_[at_]} * bytes_;
    if (step.count == 0 || step.places[step.count - 1] != place) step.places[step.count++] = place;
    ++at_;
  } while (together && at_ < entries_.size() && entries_[at_].token == step.token &&
           step.count < step.places.size());
  return true;
}

void Delivery::take(Rank source, const Parts& parts, std::byte* out) {
  const auto tokens = static_cast<std::size_t>(plan_.tokens_of(source));
  if (tokens == 0 || parts.bytes == 0) return;
  if (channel_.reads_wait()) {
    want({source, parts, out});
    return;
  }
  const Rank self = channel_.rank();
  if (source != self && !channel_.in_view(source, parts.first.where)) {
    fetch(source, parts, out);
    return;
  }
  const std::size_t extent = (tokens - 1) * parts.stride + parts.bytes;
  copy(source, channel_.view(source, parts.first, extent), parts, out);
}

void Delivery::copy(Rank source, const std::byte* first, const Parts& parts, std::byte* out) {
  const std::uint64_t began = start();
  Walk walk(*this, source, out, parts.bytes);
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

void Delivery::fetch(Rank source, const Parts& parts, std::byte* out) {
  Walk ahead(*this, source, out, parts.bytes);
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
  Walk walk(*this, wanted.source, wanted.out, wanted.parts.bytes);
  Step step;
  while (walk.next(step)) {
    fetches_.add(wanted.parts.first.where, fetch_of(wanted.source, wanted.parts, step));
  }
  wanted_.push_back(wanted);
}

void Delivery::finish() {
  fetches_.bring(channel_);
  for (const Wanted& wanted : wanted_) {
    const std::uint64_t began = start();
    Walk walk(*this, wanted.source, wanted.out, wanted.parts.bytes);
    std::size_t places = 0;
    Step step;
    while (walk.next(step)) {
      copy_on(step, wanted.parts.bytes);
      places += step.count - 1;
    }
    stop(began);
    channel_.charge(LocalWork::copy(places * wanted.parts.bytes));
  }
}

}  // namespace tutti::moe
