// A collective call as algorithms see it: checked, with sizes in bytes where that is all they need.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/data_type.hpp"
#include "channel/fingerprint.hpp"

namespace tutti {

// The operator of a reduction and what it needs beside the elements.
struct Reducer {
  tuttiRedOp_t op = tuttiSum;  // one of NCCL's five; a pre-multiplied sum is kSum with `scaled`
  bool scaled = false;
  std::uint64_t scale = 0;           // this rank's scalar, in the low bytes
  const void* scale_from = nullptr;  // where the scalar is read when the operation runs, if set
};

// Counts and displacements of a v-call, in elements, one entry a rank.
struct Extents {
  std::span<const std::size_t> counts;
  std::span<const std::size_t> displacements;
};

constexpr bool reduces(OperationKind kind) {
  return kind == OperationKind::kAllReduce || kind == OperationKind::kBarrier ||
         kind == OperationKind::kReduce || kind == OperationKind::kReduceScatter ||
         kind == OperationKind::kReduceScatterv;
}

struct Request {
  OperationKind kind = OperationKind::kBarrier;
  const std::byte* send = nullptr;
  std::byte* recv = nullptr;
  std::size_t count = 0;  // as the C call gives it; AllGatherv: sendcount
  tuttiDataType_t type = tuttiInt8;
  Reducer reducer;
  int root = 0;
  Extents send_extents;  // AlltoAllv, ReduceScatterv
  Extents recv_extents;  // AlltoAllv, AllGatherv

  std::size_t element_bytes() const { return size_of(type); }
  std::size_t bytes() const { return count * element_bytes(); }
};

// What ranks must agree on, for the fingerprint. Counts of v-calls differ by rank and stay out of
// it.
inline OperationShape shape_of(const Request& request, tuttiRedOp_t user_op) {
  const bool counts_differ =
      request.kind == OperationKind::kAlltoAllv || request.kind == OperationKind::kAllGatherv;
  return {.kind = request.kind,
          .type = request.type,
          .op = user_op,
          .root = request.root,
          .count = counts_differ ? 0 : request.count};
}

}  // namespace tutti
