// When every rank reads from every other, all requests reach an owner's port at once, and it serves
// one reader after another: the same one as all other ports do. The last reader's bytes begin to
// come when the first has all of its own, and reading takes twice the ports' time. In w windows of
// w-th parts of the ranks, nearest first, only a w-th part of the time is lost, and a way there and
// back each.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <tutti/transport.hpp>

namespace tutti {

// What one window takes, and all bytes at the ports.
struct ReadCost {
  double way_ns = 0;
  double ports_ns = 0;
};

// The number of windows that takes least time.
inline std::size_t read_windows(const ReadCost& cost, std::size_t peers) {
  if (cost.way_ns <= 0 || cost.ports_ns <= cost.way_ns) return 1;
  const double best = std::round(std::sqrt(cost.ports_ns / cost.way_ns));
  return std::clamp(static_cast<std::size_t>(best), std::size_t{1}, peers);
}

// The same for rows of `row_bytes` from every peer of rank 0, as that tells all ranks; 1 where no
// costs are known.
inline std::size_t read_windows(const Costs* costs, int ranks, std::size_t row_bytes) {
  if (costs == nullptr) return 1;
  ReadCost cost;
  for (Rank peer = 1; peer < ranks; ++peer) {
    const Path path = costs->path(0, peer);
    cost.way_ns = std::max(cost.way_ns, path.read_latency_ns);
    cost.ports_ns += static_cast<double>(row_bytes) / path.read_bytes_per_ns;
  }
  return read_windows(cost, static_cast<std::size_t>(ranks) - 1);
}

// Calls read(part) for each of so many nearly equal parts of `pieces`, in order.
template <typename Piece, typename Read>
void in_windows(std::size_t windows, std::span<Piece> pieces, const Read& read) {
  for (std::size_t w = 0; w < windows; ++w) {
    const std::size_t first = pieces.size() * w / windows;
    const std::size_t end = pieces.size() * (w + 1) / windows;
    if (first != end) read(pieces.subspan(first, end - first));
  }
}

}  // namespace tutti
