#include "perf/common/sizes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace tutti::perf {
namespace {

constexpr std::array<std::pair<Op, std::string_view>, 14> kNames = {{
    {Op::kAllReduce, "all_reduce"},
    {Op::kBroadcast, "broadcast"},
    {Op::kReduce, "reduce"},
    {Op::kAllGather, "all_gather"},
    {Op::kReduceScatter, "reduce_scatter"},
    {Op::kAllToAll, "all_to_all"},
    {Op::kAllToAllv, "all_to_allv"},
    {Op::kAllGatherv, "all_gatherv"},
    {Op::kReduceScatterv, "reduce_scatterv"},
    {Op::kGather, "gather"},
    {Op::kScatter, "scatter"},
    {Op::kSendRecv, "sendrecv"},
    {Op::kBarrier, "barrier"},
    {Op::kMoe, "moe"},
}};

}  // namespace

Op parse_op(std::string_view name) {
  for (const auto& [op, text] : kNames) {
    if (text == name) return op;
  }
  throw std::invalid_argument("unknown operation '" + std::string(name) + "'");
}

std::string_view op_name(Op op) {
  return std::find_if(kNames.begin(), kNames.end(), [op](const auto& e) { return e.first == op; })
      ->second;
}

std::size_t parse_bytes(const std::string& text) {
  std::size_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const std::string_view suffix(stop, static_cast<std::size_t>(end - stop));
  unsigned shift = 0;
  if (suffix == "K" || suffix == "k") {
    shift = 10;
  } else if (suffix == "M" || suffix == "m") {
    shift = 20;
  } else if (suffix == "G" || suffix == "g") {
    shift = 30;
  }
  const bool known_suffix = suffix.empty() || shift != 0;
  if (error != std::errc{} || !known_suffix || (value << shift) >> shift != value) {
    throw std::invalid_argument("'" + text + "' is not a size: digits and then nothing, K, M or G");
  }
  return value << shift;
}

std::vector<std::size_t> sweep_sizes(const Sweep& sweep) {
  std::vector<std::size_t> sizes{sweep.begin_bytes};
  for (;;) {
    const std::size_t last = sizes.back();
    const std::size_t grown =
        sweep.increment_bytes != 0
            ? last + sweep.increment_bytes
            : static_cast<std::size_t>(static_cast<double>(last) * sweep.factor);
    if (grown <= last || grown > sweep.end_bytes) return sizes;
    sizes.push_back(grown);
  }
}

Shape shape_of(Op op, std::size_t bytes, int ranks, std::size_t type_bytes) {
  const auto n = static_cast<std::size_t>(ranks);
  const std::size_t all = bytes / type_bytes;
  const std::size_t part = all / n;
  const double others = static_cast<double>(ranks - 1) / static_cast<double>(ranks);
  const auto whole = [&](double factor) {
    return Shape{all * type_bytes, all * type_bytes, all, all, all, factor};
  };
  const auto split = [&](std::size_t send, std::size_t recv, double factor) {
    return Shape{part * n * type_bytes, part * type_bytes, part, send, recv, factor};
  };
  switch (op) {
    case Op::kAllReduce:
      return whole(2 * others);
    case Op::kBroadcast:
    case Op::kReduce:
    case Op::kSendRecv:
      return whole(1);
    case Op::kAllGather:
    case Op::kAllGatherv:
    case Op::kGather:
      return split(part, part * n, others);
    case Op::kReduceScatter:
    case Op::kReduceScatterv:
    case Op::kScatter:
      return split(part * n, part, others);
    case Op::kAllToAll:
    case Op::kAllToAllv:
      return split(part * n, part * n, others);
    case Op::kBarrier:
    case Op::kMoe:
      break;
  }
  return Shape{0, 0, 0, 0, 0, 1};
}

}  // namespace tutti::perf
