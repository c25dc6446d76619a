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
// What plans, arrival tables, routings and verification keep of a (token, lane) pair of any rank:
// measured with 8 to 1024 tokens on 384 ranks, of which what the lines below have to spare is off.
constexpr std::size_t kBytesOfALane = 512;

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
  const ControlNeeds communicator{.ranks = static_cast<unsigned>(ranks), .sparse = true};
  const ControlNeeds moe_group{.ranks = communicator.ranks, .sparse = true, .concurrent = true};
  std::size_t data = 0, collectives = 0, moe = 0;  // the last two: of a rank, for the library
  for (const Op op : options.ops) {
    std::size_t bytes = 0;
    if (op == Op::kMoe) {
      const auto lanes =
          static_cast<std::size_t>(options.moe.tokens) * static_cast<std::size_t>(options.moe.topk);
      moe = control_layout(moe_group).line_bytes() + lanes * kBytesOfALane;
      bytes = moe_bytes(options, n);
    } else {
      // They may fill the generous staging of sparse segments.
      collectives = control_layout(communicator).bytes();
      if (op != Op::kBarrier) bytes = collective_bytes(options, n);
    }
    if (!options.fabric.timing_only) data = std::max(data, bytes);
  }
  return {.data = data, .library = n * (collectives + moe + kTouchedOfAStack)};
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
