// The weighted sum of rows: blocks of four vectors stay in registers while the rows go by.
//
// Measured on one Zen 4 core, 128 tokens of 7168 bfloat16 from the shared L3, best of many: 8
// weighted rows 297 us (56 GB/s read and written), unweighted 263, 2 rows 103 and 84, 1 row 74
// and 62. Rejected: prefetching each row 512 bytes or 1 KiB ahead (1 and 2 rows 10 % slower).
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

// kVectors vectors at byte `at` of every addend, or the first `part` bytes of a single one.
template <class Lanes, bool kPart, std::size_t kVectors>
class BlockSum {
 public:
  using Wide = typename Lanes::Wide;
  using D = typename Lanes::D;

  HWY_INLINE BlockSum(std::size_t at, std::size_t part) : at_(at), part_(part) {
#pragma GCC unroll 8
    for (Wide& sum : sums_) sum = Lanes::all(0.0f);
  }

  // The first addend: the sum starts as it.
  template <bool kWeighted>
  HWY_INLINE void start(const std::byte* row, float weight) {
    const Wide factor = Lanes::all(weight);
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) sums_[v] = addend<kWeighted>(row, v, factor);
  }

  template <bool kWeighted>
  HWY_INLINE void add_row(const std::byte* row, float weight) {
    const Wide factor = Lanes::all(weight);
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums_[v] = add(sums_[v], addend<kWeighted>(row, v, factor));
    }
  }

  HWY_INLINE void store_to(std::byte* out) const {
    hn::Vec<D> raw[kVectors];
    narrow_block<Lanes>(sums_, raw);
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      if constexpr (kPart) {
        store_part(D(), raw[v], out + at_, part_);
      } else {
        store(D(), raw[v], out + at_ + v * kBytesOf<D>);
      }
    }
  }

 private:
  template <bool kWeighted>
  HWY_INLINE Wide addend(const std::byte* row, std::size_t v, Wide factor) const {
    const Wide value = Lanes::widen(loaded(row + at_ + v * kBytesOf<D>));
    if constexpr (kWeighted) return mul(value, factor);
    (void)factor;
    return value;
  }
  HWY_INLINE hn::Vec<D> loaded(const std::byte* from) const {
    if constexpr (kPart) return load_part(D(), from, part_);
    return load(D(), from);
  }

  std::size_t at_;
  std::size_t part_;
  Wide sums_[kVectors];
};

template <class Lanes, bool kWeighted, bool kPart, std::size_t kVectors>
HWY_INLINE void sum_block(std::byte* out, const Addends& addends, std::size_t at,
                          std::size_t part) {
  const auto weight = [&](std::size_t k) { return kWeighted ? addends.weights[k] : 1.0f; };
  BlockSum<Lanes, kPart, kVectors> sum(at, part);
  std::size_t first_bias = 0;
  if (!addends.rows.empty()) {
    sum.template start<kWeighted>(addends.rows[0], weight(0));
  } else if (!addends.biases.empty()) {
    sum.template start<false>(addends.biases[first_bias++], 1.0f);
  }
  for (std::size_t k = 1; k < addends.rows.size(); ++k) {
    sum.template add_row<kWeighted>(addends.rows[k], weight(k));
  }
  for (std::size_t j = first_bias; j < addends.biases.size(); ++j) {
    sum.template add_row<false>(addends.biases[j], 1.0f);
  }
  sum.store_to(out);
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
