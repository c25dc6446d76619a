#include "collectives/push.hpp"

#include <cstring>

#include "collectives/per_rank.hpp"
#include "kernels/copy.hpp"
#include "kernels/reduce.hpp"

namespace tutti {

namespace {

using Halves = StagedPush::Halves;

// So that shares begin on lines, and hold whole elements.
constexpr std::size_t kGrain = 64;

std::size_t of_all(int ranks, std::size_t bytes) { return static_cast<std::size_t>(ranks) * bytes; }

// `sources` in rank order: the same bits whichever way they came.
void reduce(const Operation& operation, const Request& request, PerRank<const std::byte*>& sources,
            std::size_t bytes, std::byte* destination) {
  if (bytes == 0) return;
  const int ranks = operation.ranks();
  operation.channel().touches(Reads{sources.all(), bytes});
  if (operation.channel().moves(Write{destination, bytes})) {
    kernels::reduce({.type = request.type, .op = request.reducer.op, .divisor = ranks},
                    {&destination, 1}, sources.all(), bytes / request.element_bytes());
  }
  operation.charge(LocalWork::reduce(of_all(ranks, bytes)));
}

// Sends this rank's own bytes to everybody, and returns where it has them itself.
const std::byte* gather_own(const Operation& operation, const Request& request, StagedPush& push) {
  const std::size_t bytes = request.bytes();
  if (push.takes_any_source()) {
    push.gather(request.send);
    push.flush();
    return request.send;
  }
  operation.channel().touches(Write{push.mine(), bytes});
  if (bytes != 0 && operation.channel().moves(Read{request.send, bytes})) {
    std::memcpy(push.mine(), request.send, bytes);
  }
  operation.charge(LocalWork::copy(bytes));
  push.gather();
  return push.mine();
}

void reduce_arrived(const Operation& operation, const Request& request, const StagedPush& push,
                    std::byte* destination) {
  PerRank<const std::byte*> sources(operation.ranks());
  for (Rank peer = 0; peer < operation.ranks(); ++peer) sources[peer] = push.arrived(peer);
  reduce(operation, request, sources, push.own_bytes(), destination);
}

}  // namespace

StagedPush::Plan one_shot_push_plan(const Request& request, int ranks, int group) {
  const std::size_t bytes = request.bytes();
  return {.group = group,
          .halves = Halves::kGather,
          .share_bytes = bytes,
          .total = of_all(ranks, bytes)};
}

StagedPush::Plan two_shot_push_plan(const Request& request, int ranks, int group) {
  const std::size_t bytes = request.bytes();
  if (request.kind == OperationKind::kReduceScatter) {
    return {.group = group,
            .halves = Halves::kScatter,
            .packed = true,
            .share_bytes = bytes,
            .total = of_all(ranks, bytes)};
  }
  const std::size_t grains = (bytes + kGrain - 1) / kGrain;
  const auto n = static_cast<std::size_t>(ranks);
  return {.group = group,
          .halves = Halves::kBoth,
          .share_bytes = (grains + n - 1) / n * kGrain,
          .total = bytes};
}

StagedPush::Plan relay_plan(const Request& request, int ranks, int group) {
  const std::size_t bytes = request.bytes();
  const bool scatters = request.kind == OperationKind::kAlltoAll;
  return {.group = group,
          .halves = scatters ? Halves::kScatter : Halves::kGather,
          .packed = scatters,
          .share_bytes = bytes,
          .total = of_all(ranks, bytes)};
}

void one_shot_push(const Operation& operation, const Request& request, int group) {
  const int ranks = operation.ranks();
  const std::size_t bytes = request.bytes();
  StagedPush push(operation, one_shot_push_plan(request, ranks, group));
  const std::byte* const own = gather_own(operation, request, push);
  PerRank<const std::byte*> sources(ranks);
  for (Rank peer = 0; peer < ranks; ++peer) sources[peer] = push.gathered(peer);
  sources[operation.rank()] = own;
  reduce(operation, request, sources, bytes, request.recv);
  push.finish();
}

void two_shot_push(const Operation& operation, const Request& request, int group) {
  StagedPush push(operation, two_shot_push_plan(request, operation.ranks(), group));
  if (request.kind == OperationKind::kReduceScatter) {
    push.scatter(push.pack(request.send));
    reduce_arrived(operation, request, push, request.recv);
    push.finish();
    return;
  }
  const std::size_t bytes = request.bytes();
  push.scatter({request.send, bytes});
  reduce_arrived(operation, request, push, push.mine());
  operation.charge(LocalWork::sync());
  push.gather();
  // In share order, which is that of the elements. Everybody's result is here, so everybody had
  // this rank's input, which may now be overwritten.
  operation.channel().touches(Read{push.gathered_all(), bytes});
  if (bytes != 0 && operation.channel().moves(Write{request.recv, bytes})) {
    kernels::copy(request.recv, push.gathered_all(), bytes);
  }
  operation.charge(LocalWork::copy(bytes));
  push.finish();
}

void relay(const Operation& operation, const Request& request, int group) {
  const int ranks = operation.ranks();
  const std::size_t bytes = request.bytes();
  StagedPush push(operation, relay_plan(request, ranks, group));
  if (request.kind == OperationKind::kAlltoAll) {
    if (push.takes_any_source()) {
      push.scatter({request.send, of_all(ranks, bytes)});
      push.flush();
    } else {
      push.scatter(push.pack(request.send));
    }
    operation.channel().touches(Read{push.arrived(0), of_all(ranks, bytes)});
    if (bytes != 0 && operation.channel().moves(Write{request.recv, of_all(ranks, bytes)})) {
      kernels::copy(request.recv, push.arrived(0), of_all(ranks, bytes));
    }
    operation.charge(LocalWork::copy(of_all(ranks, bytes)));
  } else {
    const std::byte* const own = gather_own(operation, request, push);
    const bool moves =
        bytes != 0 && operation.channel().moves(Write{request.recv, of_all(ranks, bytes)});
    for (Rank peer = 0; peer < ranks && moves; ++peer) {
      std::byte* const row = request.recv + of_all(peer, bytes);
      const std::byte* const from = peer == operation.rank() ? own : push.gathered(peer);
      operation.channel().touches(Read{from, bytes});
      if (row != request.send) std::memcpy(row, from, bytes);
    }
    operation.charge(LocalWork::copy(of_all(ranks, bytes)));
  }
  push.finish();
}

}  // namespace tutti
