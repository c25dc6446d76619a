// What an operation is, in the 48 bits that every line of it carries: ranks that disagree notice at
// the first line that they exchange.
#pragma once

#include <tutti/tutti.h>

#include <array>
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
  std::uint32_t digests = 0;  // MoE kinds, in the place of operator and root: digests_of()
};

// An argument of an operation without operator and root. `count` holds a digest of all of them, by
// which disagreement is found; a few bits of each are for the sentence that names the argument.
struct DigestedArgument {
  const char* name;
  int bits;
};
inline constexpr std::array<DigestedArgument, 1> kMoePlanArguments = {{{"k", 16}}};
inline constexpr std::array<DigestedArgument, 5> kMoeDispatchArguments = {
    {{"row_bytes", 6}, {"side_bytes", 4}, {"align", 4}, {"layout", 1}, {"flags", 1}}};
inline constexpr std::array<DigestedArgument, 2> kMoeCombineArguments = {
    {{"hidden", 15}, {"reduction", 1}}};

template <std::size_t N>
constexpr std::uint32_t digests_of(const std::array<DigestedArgument, N>& arguments,
                                   const std::array<std::uint64_t, N>& values) {
  std::uint32_t digests = 0;
  int shift = 0;
  for (std::size_t i = 0; i < N; ++i) {
    // As for the count. Nearby powers of two, and numbers up to 64 in 16 bits, differ.
    const std::uint64_t value = (values[i] * 0x9E3779B97F4A7C15u) >> (64 - arguments[i].bits);
    digests |= static_cast<std::uint32_t>(value) << shift;
    shift += arguments[i].bits;
  }
  return digests;
}

// Bits 0-4 kind, 5-8 type, 9-12 operator, 13-24 root (or 9-24 digests), 25-47 hash of the count.
inline constexpr int kFingerprintBits = 48;
inline constexpr std::uint64_t kFingerprintMask = (std::uint64_t{1} << kFingerprintBits) - 1;

constexpr std::uint64_t fingerprint_of(const OperationShape& shape) {
  const std::uint64_t op = shape.op < tuttiNumOps ? static_cast<std::uint64_t>(shape.op)
                                                  : static_cast<std::uint64_t>(tuttiNumOps);
  // Fibonacci hashing: nearby counts differ in the high bits of the product.
  const std::uint64_t count_hash = (shape.count * 0x9E3779B97F4A7C15u) >> (64 - 23);
  return static_cast<std::uint64_t>(shape.kind) | static_cast<std::uint64_t>(shape.type) << 5 |
         op << 9 | (static_cast<std::uint64_t>(shape.root) & 0xFFF) << 13 |
         std::uint64_t{shape.digests} << 9 | count_hash << 25;
}

constexpr tuttiDataType_t type_in(std::uint64_t fingerprint) {
  return static_cast<tuttiDataType_t>(fingerprint >> 5 & 0xF);
}

// "AllReduce(float, sum)", "Broadcast(int8, root 3)": for error messages.
std::string describe_fingerprint(std::uint64_t fingerprint);

// The arguments in which two operations of one kind differ, as far as fingerprints tell: "type,
// count"; empty for different kinds.
std::string differing_arguments(std::uint64_t one, std::uint64_t other);

}  // namespace tutti
