// Sizes as nccl-tests means them: what -b, -e, -f and -i say, and what one size means for each
// operation.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tutti::perf {

enum class Op {
  kAllReduce,
  kBroadcast,
  kReduce,
  kAllGather,
  kReduceScatter,
  kAllToAll,
  kAllToAllv,
  kAllGatherv,
  kReduceScatterv,
  kGather,
  kScatter,
  kSendRecv,
  kBarrier,
  kMoe,
};

// "all_reduce" and so on; throws std::invalid_argument naming the unknown word.
Op parse_op(std::string_view name);
std::string_view op_name(Op op);

// "8", "4K", "2M", "1G" (powers of 1024); throws std::invalid_argument.
std::size_t parse_bytes(const std::string& text);

struct Sweep {
  std::size_t begin_bytes = 8;
  std::size_t end_bytes = 8;
  double factor = 2.0;  // used when increment_bytes is 0
  std::size_t increment_bytes = 0;
};

// Ascending, begin first; never empty.
std::vector<std::size_t> sweep_sizes(const Sweep& sweep);

// What -b BYTES means for one rank. all_to_all, all_gather, gather: BYTES is per_peer x ranks.
struct Shape {
  std::size_t bytes;           // -b, rounded down to whole elements per peer
  std::size_t per_peer_bytes;  // what one rank sends to one other; bytes where that is all of it
  std::size_t count;           // elements as the C call counts them
  std::size_t send_elements;   // of this rank's send buffer
  std::size_t recv_elements;   // of this rank's receive buffer
  double bus_factor;           // busbw = algbw x bus_factor
};
Shape shape_of(Op op, std::size_t bytes, int ranks, std::size_t type_bytes);

}  // namespace tutti::perf
