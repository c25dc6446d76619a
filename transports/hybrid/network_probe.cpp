#include "transports/hybrid/network_probe.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <tutti/error.hpp>
#include <vector>

namespace tutti::hybrid {

namespace {

constexpr int kRoundTrips = 5;
constexpr std::size_t kMostBytes = std::size_t{256} << 10;
constexpr int kReads = 8;
constexpr Nanoseconds kTime = std::chrono::milliseconds(20);

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Rank counterpart(const Hosts& hosts, Rank self) {
  const auto there = hosts.ranks_on((hosts.host_of(self) + 1) % hosts.count());
  return there[static_cast<std::size_t>(hosts.place_of(self)) % there.size()];
}

}  // namespace

Network probe_network(Bootstrap& bootstrap, const Hosts& hosts, ControlWindow& far,
                      const ControlSegment& segment, Clock& clock) {
  if (hosts.count() == 1) return {};
  const Rank peer = counterpart(hosts, bootstrap.rank());
  std::vector<std::byte> bytes(std::min(kMostBytes, segment.bytes - segment.line_bytes));
  // A peer that cannot be read may have given the set-up up: then the exchange that follows says
  // why.
  std::optional<Error> failure;
  const auto read = [&](std::size_t count) {
    if (failure) return 1.0;
    const Fetch fetch{
        .peer = peer, .destination = std::span(bytes).first(count), .offset = segment.line_bytes};
    const Nanoseconds begin = clock.now();
    try {
      far.get({&fetch, 1});
    } catch (const Error& error) {
      failure = error;
    }
    return std::max<double>(1, static_cast<double>((clock.now() - begin).count()));
  };
  Network mine;
  const std::size_t few = std::min(bytes.size(), sizeof(Line));
  read(few);  // and connects
  mine.round_trip_ns = read(few);
  for (int i = 1; i < kRoundTrips; ++i) {
    mine.round_trip_ns = std::min(mine.round_trip_ns, read(few));
  }
  // What all do at once; the first read, for which a link may have saved up, does not count.
  bootstrap.all_gather({}, {});
  if (failure) throw Error(*failure);
  read(bytes.size());
  double ns = 0;
  double moved = 0;
  for (int i = 0; i < kReads && ns < static_cast<double>(kTime.count()); ++i) {
    ns += read(bytes.size());
    moved += static_cast<double>(bytes.size());
  }
  mine.bytes_per_ns = moved / ns;
  std::vector<double> trips, rates;
  const std::vector<Network> all = all_gather_value(bootstrap, mine);
  if (failure) throw Error(*failure);
  for (const Network& each : all) {
    trips.push_back(each.round_trip_ns);
    rates.push_back(each.bytes_per_ns);
  }
  return {.round_trip_ns = median(std::move(trips)), .bytes_per_ns = median(std::move(rates))};
}

}  // namespace tutti::hybrid
