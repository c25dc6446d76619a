#include "collectives/all_reduce_one_shot.hpp"

#include "collectives/per_rank.hpp"
#include "kernels/reduce.hpp"
#include "kernels/shared_copy.hpp"

namespace tutti {

void all_reduce_one_shot(const Operation& operation, const Request& request) {
  const Rank self = operation.rank();
  const int ranks = operation.ranks();
  const std::size_t bytes = request.bytes();
  const auto staging = operation.claim_staging();
  Channel& channel = operation.channel();
  const bool moves = channel.moves(Read{request.send, bytes}, Write{request.recv, 0});
  channel.touches(Write{staging.data(), bytes});
  if (moves) kernels::SharedCopy(channel.gauge(), bytes).copy(staging.data(), request.send, bytes);
  operation.charge(LocalWork::copy(bytes));
  operation.post_to_others(Phase::kEntry);

  for (Rank peer = 0; peer < ranks; ++peer) {
    if (peer != self) operation.await(peer, Phase::kEntry);
  }
  PerRank<View> views(ranks);
  for (int i = 1; i < ranks; ++i) {
    views[i - 1] = {.peer = (self + i) % ranks, .offset = 0, .bytes = bytes, .data = nullptr};
  }
  const auto others = views.all().first(static_cast<std::size_t>(ranks) - 1);
  operation.view_staging(others);

  PerRank<const std::byte*> sources(ranks);
  sources[self] = request.send;
  for (const View& view : others) sources[view.peer] = view.data;
  std::byte* const destination = request.recv;
  channel.touches(Reads{sources.all(), bytes}, Write{destination, bytes});
  if (moves) {
    kernels::reduce({.type = request.type, .op = request.reducer.op, .divisor = ranks},
                    {&destination, 1}, sources.all(), request.count);
  }
  operation.charge(LocalWork::looks(static_cast<std::size_t>(ranks) - 1));
  operation.charge(LocalWork::reduce(static_cast<std::size_t>(ranks) * bytes));
}

}  // namespace tutti
