// A number that says whether two runs were the same: every record (time, rank, event, bytes),
// summed up in 64 bits. What came before what is in the times.
#pragma once

#include <bit>
#include <cstdint>

#include "transports/ub/engine/mix.hpp"
#include "transports/ub/engine/time.hpp"

namespace tutti::ub {

// Integers only, modulo 2^64, so equal for equal input on every machine, compiler and SIMD target,
// and in whatever order the records are folded:
//   r     = mix64(time + K) + rotl(mix64(rank * 2^32 + kind + 2K), 21) +
//           rotl(mix64(bytes + 3K), 42)
//   value = mix64(sum of mix64(r) ^ number of records)
// with K = 0x9e3779b97f4a7c15 (2^64 / golden ratio), rank and kind taken as 32 unsigned bits, and
// mix64 as in mix.hpp. Records do not wait for each other: about 3 ns each.
class Digest {
 public:
  struct Record {
    Picoseconds time{};
    std::int32_t rank = 0;
    std::uint32_t kind = 0;  // numbered by who records
    std::uint64_t bytes = 0;
  };

  void fold(const Record& record) noexcept {
    const std::uint64_t what =
        std::uint64_t{static_cast<std::uint32_t>(record.rank)} << 32 | record.kind;
    const std::uint64_t mixed = mix64(static_cast<std::uint64_t>(record.time.count()) + kGolden) +
                                std::rotl(mix64(what + 2 * kGolden), 21) +
                                std::rotl(mix64(record.bytes + 3 * kGolden), 42);
    sum_ += mix64(mixed);
    ++records_;
  }

  std::uint64_t value() const noexcept { return mix64(sum_ ^ records_); }
  std::uint64_t records() const noexcept { return records_; }

 private:
  static constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15u;

  std::uint64_t sum_ = 0;
  std::uint64_t records_ = 0;
};

}  // namespace tutti::ub
