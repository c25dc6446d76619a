#include "collectives/all_reduce_assembly.hpp"

#include <cstring>

#include "collectives/per_rank.hpp"
#include "kernels/copy.hpp"
#include "kernels/reduce.hpp"

namespace tutti {

namespace {

constexpr std::size_t kPayload = LineContent::kPayloadBytes;

void reduce_for_all(const Operation& operation, const Request& request, std::byte* result) {
  const int ranks = operation.ranks();
  const std::size_t bytes = request.bytes();
  PerRank<const std::byte*> sources(ranks);
  for (Rank peer = 0; peer < ranks; ++peer) {
    const Line& line = operation.brought(peer);
    sources[peer] = bytes <= kPayload          ? line.payload
                    : peer == operation.rank() ? request.send
                                               : operation.view_staging(peer, 0, bytes);
  }
  if (bytes == 0) return;
  kernels::reduce({.type = request.type, .op = request.reducer.op, .divisor = ranks}, {&result, 1},
                  sources.all(), request.count);
}

}  // namespace

void all_reduce_assembly(const Operation& operation, const Request& request) {
  const std::size_t bytes = request.bytes();
  LineContent mine;
  if (bytes <= kPayload) {
    if (bytes != 0) std::memcpy(mine.payload, request.send, bytes);
  } else {
    kernels::copy_to_staging(operation.claim_staging().data(), request.send, bytes);
  }
  const Rank self = operation.rank();
  if (operation.arrive(mine)) {
    LineContent result;
    if (bytes <= kPayload) {
      reduce_for_all(operation, request, result.payload);
      if (bytes != 0) std::memcpy(request.recv, result.payload, bytes);
    } else {
      // Where my own input was: nobody but me reads the inputs.
      const auto staging = operation.claim_staging();
      reduce_for_all(operation, request, staging.data());
      std::memcpy(request.recv, staging.data(), bytes);
      std::memcpy(result.payload, &self, sizeof(self));
    }
    operation.publish(result);
    return;
  }
  const Line& published = operation.await_published();
  if (bytes == 0) return;
  if (bytes <= kPayload) {
    std::memcpy(request.recv, published.payload, bytes);
    return;
  }
  Rank reducer = 0;
  std::memcpy(&reducer, published.payload, sizeof(reducer));
  std::memcpy(request.recv, operation.view_staging(reducer, 0, bytes), bytes);
}

}  // namespace tutti
