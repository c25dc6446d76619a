#include "tests/transport/transport_rank.hpp"

namespace tutti::test {

TransportRank::TransportRank(const TransportKind& kind, std::unique_ptr<Bootstrap> bootstrap)
    : yield_(kind.yield),
      bootstrap_(std::move(bootstrap)),
      transport_(kind.open(*bootstrap_)),
      control_(transport_->open_control({.bytes = kSegmentBytes, .line_bytes = kLineBytes})),
      heap_(transport_->open_window(WindowKind::kHeap)),
      process_(transport_->open_window(WindowKind::kProcess)) {
  meet();
}

void TransportRank::leave() {
  process_.reset();
  heap_.reset();
  control_.reset();
  transport_.reset();
}

Doorbell& TransportRank::shared_bell() {
  const auto bytes = control_->reach(0, sizeof(Doorbell), sizeof(Doorbell));
  return *reinterpret_cast<Doorbell*>(bytes.data());
}

void TransportRank::put(Window& window, Rank peer, std::size_t offset,
                        std::span<const std::byte> bytes) {
  const Piece piece{.source = bytes, .offset = offset};
  EXPECT_TRUE(await([&] {
    if (window.put(peer, {&piece, 1})) return true;
    transport_->progress();
    return false;
  }));
}

bool TransportRank::await(const std::function<bool()>& ready) {
  const Nanoseconds end = transport_->clock().now() + kDeadline;
  while (!ready()) {
    transport_->progress();
    if (transport_->clock().now() > end) return false;
    yield_();
  }
  return true;
}

bool TransportRank::sleep_until(Doorbell& bell, const std::function<bool()>& ready) {
  const Nanoseconds start = transport_->clock().now();
  for (;;) {
    const std::uint32_t seen = bell.ring.load(std::memory_order_acquire);
    bell.sleepers.fetch_add(1, std::memory_order_seq_cst);
    transport_->announce_fence();
    const bool there = ready();
    if (!there) transport_->sleep(bell, seen, kDeadline);
    bell.sleepers.fetch_sub(1, std::memory_order_relaxed);
    if (there) return true;
    if (transport_->clock().now() - start >= kDeadline) return false;
  }
}

void fill_pattern(std::span<std::byte> bytes, Rank source, std::uint64_t round) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern(source, round, i);
}

testing::AssertionResult has_pattern(std::span<const std::byte> bytes, Rank source,
                                     std::uint64_t round) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == pattern(source, round, i)) continue;
    return testing::AssertionFailure()
           << "byte " << i << " of " << bytes.size() << " is not what rank " << source
           << " wrote in round " << round;
  }
  return testing::AssertionSuccess();
}

}  // namespace tutti::test
