// A rank of a simulation of these tests: its transport, its windows, virtual time in picoseconds.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bootstrap/local_group.hpp"
#include "transports/ub/bus/bus_transport.hpp"

namespace tutti::ub::test {

constexpr Picoseconds ps(std::int64_t count) { return Picoseconds(count); }
constexpr Picoseconds ns(std::int64_t count) { return Picoseconds(count * 1000); }
constexpr Picoseconds us(std::int64_t count) { return Picoseconds(count * 1'000'000); }

class BusRank {
 public:
  static constexpr std::size_t kLineBytes = std::size_t{16} << 10;
  static constexpr std::size_t kSegmentBytes = std::size_t{2} << 20;
  static constexpr std::size_t kData = kLineBytes;  // where the part behind the lines begins

  explicit BusRank(std::unique_ptr<Bootstrap> meeting)
      : bootstrap(std::move(meeting)),
        transport(std::make_unique<BusTransport>(*bootstrap)),
        control(transport->open_control({.bytes = kSegmentBytes, .line_bytes = kLineBytes})),
        heap(transport->open_window(WindowKind::kHeap)),
        process(transport->open_window(WindowKind::kProcess)) {}

  Rank rank() const { return bootstrap->rank(); }
  int ranks() const { return bootstrap->ranks(); }
  Scheduler& scheduler() { return Simulation::current()->scheduler(); }
  Picoseconds now() { return scheduler().now(); }
  void advance(Picoseconds time) { scheduler().advance(time); }
  void advance_to(Picoseconds time) { scheduler().advance(time - now()); }

  std::byte* data() { return control->local().data() + kData; }
  template <typename T>
  T value_at(std::size_t offset) {
    T value;
    std::memcpy(&value, data() + offset, sizeof(value));
    return value;
  }
  void put(Rank peer, std::size_t offset, std::span<const std::byte> bytes) {
    const Piece piece{.source = bytes, .offset = kData + offset};
    EXPECT_TRUE(control->put(peer, {&piece, 1}));
  }
  void post(Rank peer, LineId line, std::uint64_t value) { control->post(peer, line, value, {}); }

  Doorbell& bell() {
    transport->settle();
    return *reinterpret_cast<Doorbell*>(control->local().data());
  }
  bool alarmed() { return bell().alarm.load() != 0; }
  std::uint64_t line(LineId id) {
    transport->settle();
    return reinterpret_cast<const Line*>(control->local().data())[id].value.load();
  }
  // Sleeps until the line shows `value`. False: the alarm came first.
  bool await_line(LineId id, std::uint64_t value) {
    while (line(id) < value) {
      if (alarmed()) return false;
      transport->sleep(bell(), bell().ring.load(), Nanoseconds::max());
    }
    return true;
  }
  void await_alarm() {
    while (!alarmed()) transport->sleep(bell(), bell().ring.load(), Nanoseconds::max());
  }

  std::unique_ptr<Bootstrap> bootstrap;
  std::unique_ptr<BusTransport> transport;
  std::unique_ptr<ControlWindow> control;
  std::unique_ptr<Window> heap;
  std::unique_ptr<Window> process;
};

using RankBody = std::function<void(BusRank&)>;

// Every rank with its transport; all leave when all are done, unless one fails.
inline SimulationReport simulate(SimulationOptions options, int ranks, const RankBody& body) {
  options.placement.ranks = ranks;
  Simulation simulation(std::move(options));
  tutti::LocalGroup group(ranks, std::chrono::seconds(120));
  return simulation.run([&](int number) {
    BusRank rank(group.bootstrap(number));
    body(rank);
  });
}

inline SimulationReport simulate(const std::string& profile, int ranks, const RankBody& body) {
  return simulate({.profile = load_profile(profile)}, ranks, body);
}

inline void expect_finished(const SimulationReport& report) {
  for (std::size_t rank = 0; rank < report.ranks.size(); ++rank) {
    EXPECT_EQ(report.ranks[rank].how, RankEnd::How::kFinished)
        << "rank " << rank << ": " << report.ranks[rank].why;
  }
}

inline std::vector<std::byte> bytes_of(std::size_t count, int seed) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::byte>(i * 7 + static_cast<std::size_t>(seed) * 31 + (i >> 8));
  }
  return bytes;
}

}  // namespace tutti::ub::test
