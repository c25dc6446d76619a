// What an operation is, in the 48 bits that every line of it carries: ranks that disagree notice at
// the first line that they exchange.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace tutti {

enum class OperationKind : std::uint8_t {
  kAllReduce,
  kBroadcast,
  kReduce,
  kAllGather,
  kReduceScatter,
  kAlltoAll,
  kGather,
  kScatter,
  kAlltoAllv,
  kAllGatherv,
  kReduceScatterv,
  kBarrier,
  kPointToPoint,
  kMoePlan,
  kMoeDispatch,
  kMoeCombine,
};

const char* name_of(OperationKind kind);

// The arguments on which ranks must agree. `count` may be any 64-bit digest of them.
struct OperationShape {
  OperationKind kind = OperationKind::kBarrier;
  tuttiDataType_t type = tuttiInt8;
  tuttiRedOp_t op = tuttiSum;
  int root = 0;
  std::uint64_t count = 0;
};

// Bits 0-4 kind, 5-8 type, 9-12 operator, 13-24 root, 25-47 hash of the count.
inline constexpr int kFingerprintBits = 48;
inline constexpr std::uint64_t kFingerprintMask = (std::uint64_t{1} << kFingerprintBits) - 1;

constexpr std::uint64_t fingerprint_of(const OperationShape& shape) {
  const std::uint64_t op = shape.op < tuttiNumOps ? static_cast<std::uint64_t>(shape.op)
                                                  : static_cast<std::uint64_t>(tuttiNumOps);
  // Fibonacci hashing: nearby counts differ in the high bits of the product.
  const std::uint64_t count_hash = (shape.count * 0x9E3779B97F4A7C15u) >> (64 - 23);
  return static_cast<std::uint64_t>(shape.kind) | static_cast<std::uint64_t>(shape.type) << 5 |
         op << 9 | (static_cast<std::uint64_t>(shape.root) & 0xFFF) << 13 | count_hash << 25;
}

// "AllReduce(float, sum)", "Broadcast(int8, root 3)": for error messages.
std::string describe_fingerprint(std::uint64_t fingerprint);

}  // namespace tutti
