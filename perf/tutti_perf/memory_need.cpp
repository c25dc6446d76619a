#include "perf/tutti_perf/memory_need.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tutti/error.hpp>

#include "base/data_type.hpp"
#include "channel/layout.hpp"
#include "perf/tutti_perf/moe_data.hpp"

namespace tutti::perf {
namespace {

constexpr std::size_t kTouchedOfAStack = std::size_t{64} << 10;
// Of a (token, lane) pair, on every rank that has read its routing: what the plan, its arrival
// tables and the verification keep of it.
constexpr std::size_t kRoutingBytesPerLane = 16;

// Send and receive buffer of every rank, and as much again in flight: what is not read in place is
// kept until it arrives.
std::size_t collective_bytes(const Options& options, std::size_t ranks) {
  return ranks * 3 * options.sweep.end_bytes;
}

// Rows of a rank's tokens, those that arrive, what combine is given where its type differs, and
// sums. As many rows arrive as leave, over all ranks: one a lane at most.
std::size_t moe_bytes(const Options& options, std::size_t ranks) {
  const MoeCase c = make_moe_case(options, 0, static_cast<int>(ranks));
  const std::size_t lanes = c.tokens * (c.per_lane ? c.topk : std::min(c.topk, ranks));
  const std::size_t row = row_bytes(c) + side_bytes(c);
  std::size_t rank = c.tokens * row + lanes * row + c.tokens * combine_row_bytes(c);
  if (!same_type(c)) rank += lanes * combine_row_bytes(c);
  if (!options.symmetric) rank += lanes * row;  // through staging
  return ranks * rank;
}

}  // namespace

MemoryNeed memory_need(const Options& options, int ranks) {
  const auto n = static_cast<std::size_t>(ranks);
  // Segments are sparse; collectives may fill the generous staging that they have for that.
  const bool collectives = options.ops != std::vector{Op::kMoe};
  const ControlLayout layout =
      control_layout({.ranks = static_cast<unsigned>(ranks), .sparse = collectives});
  MemoryNeed need{.library = n * (layout.bytes() + kTouchedOfAStack)};
  for (const Op op : options.ops) {
    const bool moe = op == Op::kMoe;
    if (op == Op::kBarrier) continue;
    if (!options.fabric.timing_only)
      need.data = std::max(need.data, moe ? moe_bytes(options, n) : collective_bytes(options, n));
    if (moe) {
      const auto lanes =
          static_cast<std::size_t>(options.moe.tokens) * static_cast<std::size_t>(options.moe.topk);
      need.library += n * n * lanes * kRoutingBytesPerLane;
    }
  }
  return need;
}

void check_memory(const Options& options, int ranks, std::size_t available) {
  const MemoryNeed need = memory_need(options, ranks);
  if (available == 0 || need.total() <= available) return;
  const auto gib = [](std::size_t bytes) { return static_cast<double>(bytes) / (1 << 30); };
  throw Error(
      tuttiSystemError,
      fmt::format("{} ranks need about {:.1f} GiB of memory ({:.1f} for data, {:.1f} for the "
                  "library), and {:.1f} GiB are available",
                  ranks, gib(need.total()), gib(need.data), gib(need.library), gib(available)));
}

}  // namespace tutti::perf
