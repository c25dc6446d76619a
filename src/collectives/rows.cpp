#include "collectives/rows.hpp"

namespace tutti {

Rows::Outgoing Rows::to(Rank peer) const {
  const std::size_t bytes = request_.bytes();
  const auto p = static_cast<std::size_t>(peer);
  switch (request_.kind) {
    case OperationKind::kAllGather:
    case OperationKind::kAllGatherv:
      return {request_.send, bytes, true};
    case OperationKind::kBroadcast:
      return {request_.send, bytes, self_ == request_.root};
    case OperationKind::kGather:
      return {request_.send, bytes, peer == request_.root};
    case OperationKind::kScatter:
      if (self_ != request_.root) return {};
      return {request_.send + p * bytes, bytes, true};
    case OperationKind::kAlltoAll:
      return {request_.send + p * bytes, bytes, true};
    case OperationKind::kAlltoAllv: {
      const std::size_t size = request_.element_bytes();
      return {request_.send + request_.send_extents.displacements[p] * size,
              request_.send_extents.counts[p] * size, true};
    }
    default:
      return {};
  }
}

Rows::Incoming Rows::from(Rank peer) const {
  const std::size_t bytes = request_.bytes();
  const auto p = static_cast<std::size_t>(peer);
  switch (request_.kind) {
    case OperationKind::kBroadcast:
    case OperationKind::kScatter:
      return {request_.recv, bytes, peer == request_.root};
    case OperationKind::kGather:
      if (self_ != request_.root) return {};
      return {request_.recv + p * bytes, bytes, true};
    case OperationKind::kAllGather:
    case OperationKind::kAlltoAll:
      return {request_.recv + p * bytes, bytes, true};
    case OperationKind::kAllGatherv:
    case OperationKind::kAlltoAllv: {
      const std::size_t size = request_.element_bytes();
      return {request_.recv + request_.recv_extents.displacements[p] * size,
              request_.recv_extents.counts[p] * size, true};
    }
    default:
      return {};
  }
}

bool Rows::same_for_all() const {
  return request_.kind == OperationKind::kAllGather ||
         request_.kind == OperationKind::kAllGatherv || request_.kind == OperationKind::kBroadcast;
}

}  // namespace tutti
