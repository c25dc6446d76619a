#include "perf/peers/collective_run.hpp"

#include <algorithm>
#include <functional>
#include <span>
#include <stdexcept>
#include <vector>

#include "perf/common/sizes.hpp"
#include "perf/peers/sampling.hpp"

namespace tutti::perf {
namespace {

// Small whole numbers: sums over hundreds of ranks are exact in float, whatever the order.
float input_value(int rank, std::size_t index) {
  return static_cast<float>((static_cast<std::size_t>(rank) * 131 + index * 7) % 1021);
}

float sum_value(int ranks, std::size_t index) {
  float sum = 0;
  for (int r = 0; r < ranks; ++r) sum += input_value(r, index);
  return sum;
}

struct Buffers {
  std::vector<float> in;
  std::vector<float> out;

  Buffers(const Shape& shape, int rank) : in(shape.send_elements), out(shape.recv_elements, -1.0F) {
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = input_value(rank, i);
  }
};

std::function<void()> iteration_of(Peer& peer, Op op, std::size_t count, Buffers& b) {
  float* const out = b.out.data();
  const float* const in = b.in.data();
  switch (op) {
    case Op::kAllReduce:
      return [&peer, in, out, count] { peer.all_reduce(in, out, count); };
    case Op::kAllToAll:
      return [&peer, in, out, count] { peer.all_to_all(in, out, count); };
    case Op::kAllGather:
      return [&peer, in, out, count] { peer.all_gather(in, out, count); };
    case Op::kReduceScatter:
      return [&peer, in, out, count] { peer.reduce_scatter(in, out, count); };
    case Op::kBroadcast:
      return [&peer, out, count] { peer.broadcast(out, count); };
    case Op::kBarrier:
      return [&peer] { peer.barrier(); };
    default:
      throw std::invalid_argument("peers do not run " + std::string(op_name(op)));
  }
}

float expected(Op op, const Shape& shape, const Peer& peer, std::size_t i) {
  const auto rank = static_cast<std::size_t>(peer.rank());
  switch (op) {
    case Op::kAllReduce:
      return sum_value(peer.ranks(), i);
    case Op::kReduceScatter:
      return sum_value(peer.ranks(), rank * shape.count + i);
    case Op::kAllGather:
      return input_value(static_cast<int>(i / shape.count), i % shape.count);
    case Op::kAllToAll:
      return input_value(static_cast<int>(i / shape.count), rank * shape.count + i % shape.count);
    default:
      return input_value(0, i);
  }
}

std::size_t count_wrong(Op op, const Shape& shape, const Peer& peer, std::span<const float> out) {
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] != expected(op, shape, peer, i)) ++wrong;
  }
  return wrong;
}

}  // namespace

Row run_collective(Peer& peer, const PeerOptions& options, std::size_t bytes) {
  const Op op = options.op;
  const Shape shape = shape_of(op, bytes, peer.ranks(), sizeof(float));
  Buffers buffers(shape, peer.rank());
  if (op == Op::kBroadcast && peer.rank() == 0) buffers.out = buffers.in;
  const auto iteration = iteration_of(peer, op, shape.count, buffers);
  Row row{.bytes = shape.bytes, .per_peer_bytes = shape.per_peer_bytes, .count = shape.count};
  if (op == Op::kAllReduce || op == Op::kReduceScatter) row.redop = "sum";
  row.placement = op == Op::kBroadcast ? "in" : "out";
  std::size_t wrong = 0;
  if (options.check) {
    iteration();
    wrong = count_wrong(op, shape, peer, buffers.out);
    if (op != Op::kBroadcast) std::fill(buffers.out.begin(), buffers.out.end(), -1.0F);
  }
  time_iterations(peer, options, iteration, row);
  if (options.check) {
    row.wrong = total(peer, wrong + count_wrong(op, shape, peer, buffers.out));
  }
  row.algbw = static_cast<double>(shape.bytes) / row.time_us.p50 / 1e3;
  row.busbw = row.algbw * shape.bus_factor;
  return row;
}

}  // namespace tutti::perf
