#include "perf/peers/weighted_sum.hpp"

#include <algorithm>
#include <array>

namespace tutti::perf {
namespace {

// The usual row counts (top-k up to 8) in one pass: every element is read once and kept in a
// register.
template <std::size_t N>
void sum_of(const std::uint16_t* const* rows, const float* weights, std::size_t hidden,
            std::uint16_t* __restrict out) {
  std::array<const std::uint16_t*, N> row{};
  std::array<float, N> weight{};
  std::copy_n(rows, N, row.begin());
  std::copy_n(weights, N, weight.begin());
  for (std::size_t h = 0; h < hidden; ++h) {
    float sum = 0;
    for (std::size_t i = 0; i < N; ++i) sum += weight[i] * bf16_to_float(row[i][h]);
    out[h] = float_to_bf16(sum);
  }
}

constexpr std::size_t kBlock = 1024;  // 4 KB of float: stays in the first-level cache

void sum_of_many(std::span<const std::uint16_t* const> rows, std::span<const float> weights,
                 std::size_t first, std::size_t count, std::uint16_t* __restrict out) {
  std::array<float, kBlock> sum{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint16_t* const row = rows[i] + first;
    for (std::size_t h = 0; h < count; ++h) sum[h] += weights[i] * bf16_to_float(row[h]);
  }
  for (std::size_t h = 0; h < count; ++h) out[h] = float_to_bf16(sum[h]);
}

}  // namespace

void weighted_sum(std::span<const std::uint16_t* const> rows, std::span<const float> weights,
                  std::size_t hidden, std::uint16_t* out) {
  switch (rows.size()) {
    case 1:
      return sum_of<1>(rows.data(), weights.data(), hidden, out);
    case 2:
      return sum_of<2>(rows.data(), weights.data(), hidden, out);
    case 3:
      return sum_of<3>(rows.data(), weights.data(), hidden, out);
    case 4:
      return sum_of<4>(rows.data(), weights.data(), hidden, out);
    case 5:
      return sum_of<5>(rows.data(), weights.data(), hidden, out);
    case 6:
      return sum_of<6>(rows.data(), weights.data(), hidden, out);
    case 7:
      return sum_of<7>(rows.data(), weights.data(), hidden, out);
    case 8:
      return sum_of<8>(rows.data(), weights.data(), hidden, out);
    default:
      for (std::size_t first = 0; first < hidden; first += kBlock) {
        sum_of_many(rows, weights, first, std::min(kBlock, hidden - first), out + first);
      }
  }
}

}  // namespace tutti::perf
