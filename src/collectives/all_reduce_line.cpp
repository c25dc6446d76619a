#include "collectives/all_reduce_line.hpp"

#include <cstring>

#include "collectives/per_rank.hpp"
#include "kernels/reduce.hpp"

namespace tutti {

void all_reduce_line(const Operation& operation, const Request& request) {
  const Rank self = operation.rank();
  const int ranks = operation.ranks();
  const std::size_t bytes = request.bytes();
  LineContent mine;
  const bool moves = operation.channel().moves(Read{request.send, bytes}, Write{request.recv, 0});
  if (bytes != 0 && moves) std::memcpy(mine.payload, request.send, bytes);
  operation.post_to_others(Phase::kEntry, mine);

  // All lines are read before the output is written: a rank that disagrees spoils nothing.
  for (Rank peer = 0; peer < ranks; ++peer) {
    if (peer != self) operation.await(peer, Phase::kEntry);
  }
  operation.charge(LocalWork::looks(static_cast<std::size_t>(ranks) - 1));
  if (bytes == 0) return;

  PerRank<const std::byte*> sources(ranks);
  for (Rank peer = 0; peer < ranks; ++peer) {
    sources[peer] = peer == self ? mine.payload : operation.line(peer, Phase::kEntry).payload;
  }
  std::byte* const destination = request.recv;
  operation.channel().touches(Write{destination, bytes});
  if (moves) {
    kernels::reduce({.type = request.type, .op = request.reducer.op, .divisor = ranks},
                    {&destination, 1}, sources.all(), request.count);
  }
  operation.charge(LocalWork::reduce(static_cast<std::size_t>(ranks) * bytes));
}

}  // namespace tutti
