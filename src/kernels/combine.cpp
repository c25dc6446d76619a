// The weighted sum of rows: blocks of four vectors stay in registers while the rows go by.
#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/combine.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "base/data_type.hpp"
#include "kernels/combine.hpp"
#include "kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace tutti::kernels {
namespace HWY_NAMESPACE {

struct Addends {
  std::span<const std::byte* const> rows;
  const float* weights;  // one per row, or null
  std::span<const std::byte* const> biases;
};

// One addend more for kVectors accumulators; the first one is their start.
template <class Lanes, bool kWeighted, std::size_t kVectors, class Load>
HWY_INLINE void accumulate(typename Lanes::Wide (&acc)[kVectors], bool is_first, float weight,
                           const Load& load_vector) {
  const auto factor = Lanes::all(weight);
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kVectors; ++v) {
    auto value = Lanes::widen(load_vector(v));
    if constexpr (kWeighted) value = mul(value, factor);
    acc[v] = is_first ? value : add(acc[v], value);
  }
}

// Sums kVectors vectors at byte `at`; kPart: one vector of which only `part` bytes exist.
template <class Lanes, bool kWeighted, bool kPart, std::size_t kVectors>
HWY_INLINE void sum_block(std::byte* out, const Addends& addends, std::size_t at,
                          std::size_t part) {
  const typename Lanes::D d;
  constexpr std::size_t kStep = kBytesOf<typename Lanes::D>;
  typename Lanes::Wide acc[kVectors];
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kVectors; ++v) acc[v] = Lanes::all(0.0f);
  const auto load_from = [&](const std::byte* row) HWY_ATTR {
    return [=](std::size_t v) HWY_ATTR {
      if constexpr (kPart) return load_part(d, row + at, part);
      return load(d, row + at + v * kStep);
    };
  };
  for (std::size_t k = 0; k < addends.rows.size(); ++k) {
    accumulate<Lanes, kWeighted>(acc, k == 0, kWeighted ? addends.weights[k] : 1.0f,
                                 load_from(addends.rows[k]));
  }
  for (std::size_t j = 0; j < addends.biases.size(); ++j) {
    accumulate<Lanes, false>(acc, j == 0 && addends.rows.empty(), 1.0f,
                             load_from(addends.biases[j]));
  }
  hn::Vec<typename Lanes::D> sums[kVectors];
  narrow_block<Lanes>(acc, sums);
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kVectors; ++v) {
    if constexpr (kPart) {
      store_part(d, sums[v], out + at, part);
    } else {
      store(d, sums[v], out + at + v * kStep);
    }
  }
}

template <class Lanes, bool kWeighted>
void sum_rows(std::byte* out, const Addends& addends, std::size_t bytes) {
  constexpr std::size_t kStep = kBytesOf<typename Lanes::D>;
  std::size_t at = 0;
  for (; bytes - at >= 4 * kStep; at += 4 * kStep) {
    sum_block<Lanes, kWeighted, false, 4>(out, addends, at, 0);
  }
  for (; bytes - at >= kStep; at += kStep) {
    sum_block<Lanes, kWeighted, false, 1>(out, addends, at, 0);
  }
  if (at < bytes) sum_block<Lanes, kWeighted, true, 1>(out, addends, at, bytes - at);
}

template <class Lanes>
void sum_type(std::byte* out, const Addends& addends, std::size_t bytes) {
  if (addends.weights) return sum_rows<Lanes, true>(out, addends, bytes);
  sum_rows<Lanes, false>(out, addends, bytes);
}

void weighted_sum_on_target(tuttiDataType_t type, std::byte* out,
                            std::span<const std::byte* const> rows, const float* weights,
                            std::span<const std::byte* const> biases, std::size_t bytes) {
  const Addends addends{rows, weights, biases};
  if (type == tuttiBfloat16) return sum_type<Bfloat16Lanes>(out, addends, bytes);
  if (type == tuttiFloat16) return sum_type<Float16Lanes>(out, addends, bytes);
  sum_type<Float32Lanes>(out, addends, bytes);
}

}  // namespace HWY_NAMESPACE
}  // namespace tutti::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tutti::kernels {

HWY_EXPORT(weighted_sum_on_target);

void weighted_sum(tuttiDataType_t type, std::byte* out, std::span<const std::byte* const> rows,
                  std::span<const float> weights, std::span<const std::byte* const> biases,
                  std::size_t hidden) {
  HWY_DYNAMIC_DISPATCH(weighted_sum_on_target)
  (type, out, rows, weights.empty() ? nullptr : weights.data(), biases, hidden * size_of(type));
}

}  // namespace tutti::kernels
#endif
