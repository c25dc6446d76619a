#include "collectives/two_shot.hpp"

#include <cstring>

#include "channel/read_windows.hpp"
#include "collectives/per_rank.hpp"
#include "collectives/shares.hpp"
#include "kernels/reduce.hpp"

namespace tutti {

namespace {

MemoryRef part(MemoryRef ref, std::size_t offset) {
  ref.offset += offset;
  return ref;
}

// The same part of every peer's input. Inputs in the heap are asked for together, and those in
// private memory.
void view_inputs(Channel& channel, PerRank<TwoShotEntry>& entries, std::size_t offset,
                 std::size_t bytes, PerRank<const std::byte*>& sources) {
  const Rank self = channel.rank();
  const int ranks = channel.ranks();
  PerRank<View> views(ranks);
  for (const auto where : {MemoryRef::Where::kHeap, MemoryRef::Where::kProcess}) {
    int count = 0;
    for (int i = 1; i < ranks; ++i) {
      const Rank peer = (self + i) % ranks;
      const MemoryRef& input = entries[peer].send;
      if (input.where != where) continue;
      views[count++] = {
          .peer = peer, .offset = input.offset + offset, .bytes = bytes, .data = nullptr};
    }
    if (count == 0) continue;
    const auto asked = views.all().first(static_cast<std::size_t>(count));
    in_windows(read_windows(channel.transport().costs(), ranks, bytes), asked,
               [&](std::span<View> part) { channel.view(where, part); });
    for (const View& view : asked) sources[view.peer] = view.data;
  }
}

void reduce_own_share(const Operation& operation, const Request& request,
                      PerRank<TwoShotEntry>& entries, std::span<const std::uint64_t> scales) {
  const Rank self = operation.rank();
  const int ranks = operation.ranks();
  const Shares shares(request, ranks);
  const Share share = shares.of(self);
  if (share.count == 0) return;
  Channel& channel = operation.channel();
  const std::size_t size = request.element_bytes();
  const std::size_t bytes = share.count * size;
  const std::size_t from = share.first * size;
  const std::size_t to = shares.place(self) * size;
  PerRank<const std::byte*> sources(ranks);
  sources[self] = request.send + from;
  view_inputs(channel, entries, from, bytes, sources);

  PerRank<std::byte*> destinations(ranks);
  int needed = 0;
  for (Rank peer = 0; peer < ranks; ++peer) {
    if (!shares.needed_by(peer, self)) continue;
    destinations[needed++] =
        peer == self ? request.recv + to : channel.reach(peer, part(entries[peer].recv, to), bytes);
  }
  const auto results = destinations.all().first(static_cast<std::size_t>(needed));
  if (channel.moves(Reads{sources.all(), bytes}, Writes{results, bytes})) {
    kernels::reduce({.type = request.type, .op = request.reducer.op, .divisor = ranks}, results,
                    sources.all(), share.count, scales);
  }
  operation.charge(LocalWork::reduce(static_cast<std::size_t>(ranks) * bytes));
  for (int i = 1; i < ranks; ++i) {
    const Rank peer = (self + i) % ranks;
    if (shares.needed_by(peer, self)) {
      channel.commit(peer, part(entries[peer].recv, to), bytes);
    }
  }
}

}  // namespace

void two_shot(const Operation& operation, const Request& request) {
  const Rank self = operation.rank();
  const int ranks = operation.ranks();
  Channel& channel = operation.channel();
  const std::size_t size = request.element_bytes();
  const Shares shares(request, ranks);
  const bool receives = shares.needed_by(self, self) || request.root == self;
  // A rank that receives nothing offers its input twice: always reachable when that is.
  const MemoryRef send = channel.refer(request.send, size);
  const TwoShotEntry mine{.send = send,
                          .recv = receives ? channel.refer(request.recv, size) : send,
                          .scale = request.reducer.scale};
  LineContent content;
  std::memcpy(content.payload, &mine, sizeof(mine));
  operation.post_to_others(Phase::kEntry, content);

  PerRank<TwoShotEntry> entries(ranks);
  PerRank<std::uint64_t> scales(ranks);
  bool in_place = true;
  bool copied = channel.views_are_copies();
  for (Rank peer = 0; peer < ranks; ++peer) {
    if (peer == self) {
      entries[peer] = mine;
    } else {
      std::memcpy(&entries[peer], operation.wait(peer, Phase::kEntry).payload,
                  sizeof(TwoShotEntry));
    }
    scales[peer] = entries[peer].scale;
    in_place = in_place && channel.reached_by_all(entries[peer].send.where) &&
               channel.reached_by_all(entries[peer].recv.where);
    const MemoryRef::Where input = entries[peer].send.where;
    copied = copied && (channel.reached_by_all(input) || channel.copied_by_all(input)) &&
             channel.written_by_all(entries[peer].recv.where);
  }
  operation.charge(LocalWork::looks(static_cast<std::size_t>(ranks) - 1));
  const auto scalars = request.reducer.scaled ? scales.all() : std::span<const std::uint64_t>{};
  if (copied) {
    two_shot_copied(operation, request, entries, scalars);
    return;
  }
  if (!in_place) {
    two_shot_staged(operation, request, scalars);
    return;
  }
  reduce_own_share(operation, request, entries, scalars);
  operation.charge(LocalWork::sync());
  operation.post_to_others(Phase::kDone);
  for (Rank peer = 0; peer < ranks; ++peer) {
    if (peer != self) operation.await(peer, Phase::kDone);
  }
  operation.charge(LocalWork::looks(static_cast<std::size_t>(ranks) - 1));
}

}  // namespace tutti
