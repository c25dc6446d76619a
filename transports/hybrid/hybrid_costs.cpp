#include "transports/hybrid/hybrid_costs.hpp"

namespace tutti::hybrid {

namespace {
// A line in shared memory: a store, and a look at a word in another core's cache.
constexpr double kNearPostNs = 60;
constexpr int kFarthestOnHost = 3;  // Path::hop_class
}  // namespace

Path HybridCosts::path(Rank from, Rank to) const noexcept {
  if (from != to && hosts_.share(from, to)) return near_;
  Path path = far_.path(from, to);
  if (from == to || network_.bytes_per_ns <= 0) return path;
  path.latency_ns = network_.round_trip_ns / 2;
  path.bytes_per_ns = network_.bytes_per_ns;
  path.read_latency_ns = network_.round_trip_ns;
  path.read_bytes_per_ns = network_.bytes_per_ns;
  return path;
}

double HybridCosts::post_ns(const Path& path) const noexcept {
  return path.hop_class <= kFarthestOnHost ? kNearPostNs : far_.post_ns(path);
}

}  // namespace tutti::hybrid
