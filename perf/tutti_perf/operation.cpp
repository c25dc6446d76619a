#include "perf/tutti_perf/operation.hpp"

#include <algorithm>

#include "base/data_type.hpp"

namespace tutti::perf {

bool uses_redop(Op op) {
  return op == Op::kAllReduce || op == Op::kReduce || op == Op::kReduceScatter ||
         op == Op::kReduceScatterv;
}

bool uses_root(Op op) {
  return op == Op::kBroadcast || op == Op::kReduce || op == Op::kGather || op == Op::kScatter;
}

bool runs_in_place(Op op) { return op != Op::kSendRecv && op != Op::kBarrier; }

std::size_t buffer_bytes(const Case& c) {
  return std::max(c.shape.send_elements, c.shape.recv_elements) * size_of(c.type);
}

Pointers in_place(const Case& c, std::byte* buffer) {
  std::byte* const own =
      buffer + static_cast<std::size_t>(c.rank) * c.shape.count * size_of(c.type);
  switch (c.op) {
    case Op::kAllGather:
    case Op::kAllGatherv:
    case Op::kGather:
      return {own, buffer};
    case Op::kReduceScatter:
    case Op::kReduceScatterv:
    case Op::kScatter:
      return {buffer, own};
    default:
      return {buffer, buffer};
  }
}

std::size_t received_elements(const Case& c) {
  const bool root_only = c.op == Op::kReduce || c.op == Op::kGather;
  return root_only && c.rank != c.root ? 0 : c.shape.recv_elements;
}

Origin origin_of(const Case& c, std::size_t index) {
  const auto rank = static_cast<std::size_t>(c.rank);
  const std::size_t block = c.shape.count == 0 ? 0 : index / c.shape.count;
  const std::size_t within = c.shape.count == 0 ? 0 : index % c.shape.count;
  switch (c.op) {
    case Op::kAllReduce:
    case Op::kReduce:
      return {-1, index};
    case Op::kReduceScatter:
    case Op::kReduceScatterv:
      return {-1, rank * c.shape.count + index};
    case Op::kBroadcast:
      return {c.root, index};
    case Op::kScatter:
      return {c.root, rank * c.shape.count + index};
    case Op::kAllGather:
    case Op::kAllGatherv:
    case Op::kGather:
      return {static_cast<int>(block), within};
    case Op::kAllToAll:
    case Op::kAllToAllv:
      return {static_cast<int>(block), rank * c.shape.count + within};
    default:
      return {(c.rank + c.ranks - 1) % c.ranks, index};
  }
}

}  // namespace tutti::perf
