#include "collectives/all_reduce_assembly.hpp"

#include <cstring>

#include "collectives/per_rank.hpp"
#include "kernels/reduce.hpp"
#include "kernels/shared_copy.hpp"

namespace tutti {

namespace {

constexpr std::size_t kPayload = LineContent::kPayloadBytes;
constexpr std::size_t kLine = ControlLayout::kLine;

// Where the ranks' bytes lie when a line does not hold them: side by side in rank 0's staging while
// that has room, so that they share pages; otherwise each in its rank's own.
class Places {
 public:
  Places(const Operation& operation, std::size_t bytes)
      : operation_(operation),
        bytes_(bytes),
        stride_((bytes + kLine - 1) / kLine * kLine),
        common_(stride_ <= operation.channel().layout().slot_bytes /
                               static_cast<std::size_t>(operation.ranks())) {}

  std::byte* mine() const {
    return common_ ? operation_.claim_common().data() + offset_of(operation_.rank())
                   : operation_.claim_staging().data();
  }
  const std::byte* of(Rank rank) const {
    return common_ ? operation_.view_staging(0, offset_of(rank), bytes_)
                   : operation_.view_staging(rank, 0, bytes_);
  }

 private:
  std::size_t offset_of(Rank rank) const { return static_cast<std::size_t>(rank) * stride_; }

  const Operation& operation_;
  std::size_t bytes_;
  std::size_t stride_;
  bool common_;
};

void reduce_for_all(const Operation& operation, const Request& request, std::byte* result) {
  const int ranks = operation.ranks();
  const std::size_t bytes = request.bytes();
  const Places places(operation, bytes);
  PerRank<const std::byte*> sources(ranks);
  for (Rank peer = 0; peer < ranks; ++peer) {
    const Line& line = operation.brought(peer);
    sources[peer] = bytes <= kPayload          ? line.payload
                    : peer == operation.rank() ? request.send
                                               : places.of(peer);
  }
  if (bytes == 0) return;
  kernels::reduce({.type = request.type, .op = request.reducer.op, .divisor = ranks}, {&result, 1},
                  sources.all(), request.count);
}

}  // namespace

void all_reduce_assembly(const Operation& operation, const Request& request) {
  const std::size_t bytes = request.bytes();
  const Places places(operation, bytes);
  LineContent mine;
  std::byte* place = nullptr;
  if (bytes <= kPayload) {
    if (bytes != 0) std::memcpy(mine.payload, request.send, bytes);
  } else {
    place = places.mine();
    kernels::SharedCopy(operation.channel().gauge(), bytes).copy(place, request.send, bytes);
  }
  const Rank self = operation.rank();
  if (operation.arrive(mine)) {
    LineContent result;
    if (bytes <= kPayload) {
      reduce_for_all(operation, request, result.payload);
      if (bytes != 0) std::memcpy(request.recv, result.payload, bytes);
    } else {
      // Where my own input was: nobody but me reads the inputs.
      reduce_for_all(operation, request, place);
      std::memcpy(request.recv, place, bytes);
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
  std::memcpy(request.recv, places.of(reducer), bytes);
}

}  // namespace tutti
