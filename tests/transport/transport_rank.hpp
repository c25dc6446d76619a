// One rank of a conformance test: its transport, its windows, and the few waits that tests need.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <tutti/transport.hpp>

#include "bootstrap/bootstrap.hpp"
#include "tests/transport/kinds.hpp"

namespace tutti::test {

class TransportRank {
 public:
  static constexpr int kMaxRanks = 8;
  static constexpr std::size_t kLineBytes = std::size_t{16} << 10;
  // Every source owns an area behind the lines of each segment.
  static constexpr std::size_t kAreaBytes = 4096;
  static constexpr std::size_t kSegmentBytes = kLineBytes + kMaxRanks * kAreaBytes;
  static constexpr Nanoseconds kDeadline = std::chrono::seconds(120);

  TransportRank(const TransportKind& kind, std::unique_ptr<Bootstrap> bootstrap);

  Rank rank() const { return bootstrap_->rank(); }
  int ranks() const { return bootstrap_->ranks(); }
  Transport& transport() { return *transport_; }
  ControlWindow& control() { return *control_; }
  Window& heap() { return *heap_; }
  Window& process() { return *process_; }
  Bootstrap& bootstrap() { return *bootstrap_; }
  // Destroys the windows and the transport.
  void leave();
  // A barrier of the test, apart from the transport.
  void meet() { bootstrap_->all_gather({}, {}); }

  static std::size_t area(Rank source) {
    return kLineBytes + static_cast<std::size_t>(source) * kAreaBytes;
  }
  // Lines of a test: `set` tells apart what a source posts.
  LineId line(unsigned set, Rank source) const {
    return 2 + set * static_cast<unsigned>(ranks()) + static_cast<LineId>(source);
  }
  Doorbell& own_bell() { return *reinterpret_cast<Doorbell*>(control_->local().data()); }
  Doorbell& shared_bell();
  const Line& own_line(LineId id) {
    return reinterpret_cast<const Line*>(control_->local().data())[id];
  }
  bool shows(LineId id, std::uint64_t value) {
    return own_line(id).value.load(std::memory_order_acquire) >= value;
  }

  void post(Rank peer, LineId id, std::uint64_t value, const LineContent& content = {}) {
    control_->post(peer, id, value, content);
  }
  void put(Window& window, Rank peer, std::size_t offset, std::span<const std::byte> bytes);
  // Without sleeping. False after the deadline, which is a failure of the test.
  bool await(const std::function<bool()>& ready);
  bool await(LineId id, std::uint64_t value) {
    return await([this, id, value] { return shows(id, value); });
  }
  // Announces itself and sleeps until ready(), never looking in between: a wake-up that is lost
  // shows as a sleep to the deadline. False then.
  bool sleep_until(Doorbell& bell, const std::function<bool()>& ready);

 private:
  void (*yield_)();
  std::unique_ptr<Bootstrap> bootstrap_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<ControlWindow> control_;
  std::unique_ptr<Window> heap_;
  std::unique_ptr<Window> process_;
};

// Bytes that tell who wrote them in which round.
inline std::byte pattern(Rank source, std::uint64_t round, std::size_t index) {
  return static_cast<std::byte>(static_cast<std::uint64_t>(source) * 131 + round * 7 + index * 3 +
                                (index >> 8));
}
void fill_pattern(std::span<std::byte> bytes, Rank source, std::uint64_t round);
testing::AssertionResult has_pattern(std::span<const std::byte> bytes, Rank source,
                                     std::uint64_t round);

}  // namespace tutti::test
