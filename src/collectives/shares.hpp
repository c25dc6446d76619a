// Which elements of a reduction each rank works out, and who needs them.
#pragma once

#include <algorithm>
#include <cstddef>

#include "collectives/request.hpp"

namespace tutti {

struct Share {
  std::size_t first = 0;  // element in every rank's send buffer
  std::size_t count = 0;
};

class Shares {
 public:
  Shares(const Request& request, int ranks)
      : request_(request), ranks_(static_cast<std::size_t>(ranks)) {}

  Share of(int rank) const {
    const auto r = static_cast<std::size_t>(rank);
    switch (request_.kind) {
      case OperationKind::kReduceScatter:
        return {r * request_.count, request_.count};
      case OperationKind::kReduceScatterv:
        return {request_.send_extents.displacements[r], request_.send_extents.counts[r]};
      default:
        break;
    }
    // Even, and on line boundaries of the buffer, so that no two ranks write one line.
    const std::size_t grain = std::size_t{64} / request_.element_bytes();
    const std::size_t grains = (request_.count + grain - 1) / grain;
    const std::size_t first = std::min(grains * r / ranks_ * grain, request_.count);
    const std::size_t end = std::min(grains * (r + 1) / ranks_ * grain, request_.count);
    return {first, end - first};
  }

  std::size_t largest() const {
    std::size_t most = 0;
    for (std::size_t r = 0; r < ranks_; ++r) most = std::max(most, of(static_cast<int>(r)).count);
    return most;
  }

  // Does `rank` need the result of the share of `owner`?
  bool needed_by(int rank, int owner) const {
    switch (request_.kind) {
      case OperationKind::kReduceScatter:
      case OperationKind::kReduceScatterv:
        return rank == owner;
      case OperationKind::kReduce:
        return rank == request_.root;
      default:
        return true;
    }
  }
  // Where the share of `owner` starts in a receive buffer, in elements.
  std::size_t place(int owner) const {
    const bool scattered = request_.kind == OperationKind::kReduceScatter ||
                           request_.kind == OperationKind::kReduceScatterv;
    return scattered ? 0 : of(owner).first;
  }

 private:
  const Request& request_;
  std::size_t ranks_;
};

}  // namespace tutti
