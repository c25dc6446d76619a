// Per target: how vectors of each floating type are read, widened to their accumulation type, and
// rounded back. `Raw` is what memory holds, `Wide` what arithmetic uses.

// A per-target include guard: Highway includes this once for every instruction set.
#if defined(TUTTI_KERNELS_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TUTTI_KERNELS_LANES_INL
#undef TUTTI_KERNELS_LANES_INL
#else
#define TUTTI_KERNELS_LANES_INL
#endif

#include <hwy/highway.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/convert.hpp"

HWY_BEFORE_NAMESPACE();
namespace tutti::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
inline constexpr std::size_t kBytesOf = hn::MaxLanes(D()) * sizeof(hn::TFromD<D>);

// Any alignment. (Highway's scalar LoadU dereferences a typed pointer.)
template <class D>
HWY_INLINE hn::Vec<D> load(D d, const std::byte* from) {
#if HWY_TARGET == HWY_SCALAR
  hn::TFromD<D> value;
  std::memcpy(&value, from, sizeof(value));
  return hn::Set(d, value);
#else
  return hn::LoadU(d, reinterpret_cast<const hn::TFromD<D>*>(from));
#endif
}

template <class D>
HWY_INLINE void store(D d, hn::Vec<D> v, std::byte* to) {
#if HWY_TARGET == HWY_SCALAR
  const hn::TFromD<D> value = hn::GetLane(v);
  std::memcpy(to, &value, sizeof(value));
  (void)d;
#else
  hn::StoreU(v, d, reinterpret_cast<hn::TFromD<D>*>(to));
#endif
}

// The first `bytes` of a vector; the other lanes are zero, and neither read nor written in memory.
template <class D>
HWY_INLINE hn::Vec<D> load_part(D d, const std::byte* from, std::size_t bytes) {
#if HWY_TARGET <= HWY_AVX3
  const hn::Repartition<std::uint8_t, D> du8;
  const auto* from8 = reinterpret_cast<const std::uint8_t*>(from);
  return hn::BitCast(d, hn::MaskedLoad(hn::FirstN(du8, bytes), du8, from8));
#else
  alignas(64) std::byte buffer[kBytesOf<D>] = {};
  std::memcpy(buffer, from, bytes);
  return load(d, buffer);
#endif
}

template <class D>
HWY_INLINE void store_part(D d, hn::Vec<D> v, std::byte* to, std::size_t bytes) {
#if HWY_TARGET <= HWY_AVX3
  (void)d;
  const hn::Repartition<std::uint8_t, D> du8;
  hn::BlendedStore(hn::BitCast(du8, v), hn::FirstN(du8, bytes), du8,
                   reinterpret_cast<std::uint8_t*>(to));
#else
  alignas(64) std::byte buffer[kBytesOf<D>];
  store(d, v, buffer);
  std::memcpy(to, buffer, bytes);
#endif
}

using DF32 = hn::ScalableTag<float>;
using DF64 = hn::ScalableTag<double>;
using DU32 = hn::ScalableTag<std::uint32_t>;
using VF32 = hn::Vec<DF32>;
using VF64 = hn::Vec<DF64>;
using VU32 = hn::Vec<DU32>;

// bfloat16's accumulators: elements 0, 2, 4, ... and 1, 3, 5, ...
struct EvenOdd {
  HWY_INLINE EvenOdd() {}  // an implicit one would not be compiled for the target
  HWY_INLINE EvenOdd(VF32 e, VF32 o) : even(e), odd(o) {}
  VF32 even, odd;
};

HWY_INLINE VF32 add(VF32 a, VF32 b) { return hn::Add(a, b); }
HWY_INLINE VF64 add(VF64 a, VF64 b) { return hn::Add(a, b); }
HWY_INLINE EvenOdd add(EvenOdd a, EvenOdd b) { return {add(a.even, b.even), add(a.odd, b.odd)}; }
HWY_INLINE VF32 mul(VF32 a, VF32 b) { return hn::Mul(a, b); }
HWY_INLINE VF64 mul(VF64 a, VF64 b) { return hn::Mul(a, b); }
HWY_INLINE EvenOdd mul(EvenOdd a, EvenOdd b) { return {mul(a.even, b.even), mul(a.odd, b.odd)}; }
HWY_INLINE VF32 div(VF32 a, VF32 b) { return hn::Div(a, b); }
HWY_INLINE VF64 div(VF64 a, VF64 b) { return hn::Div(a, b); }
HWY_INLINE EvenOdd div(EvenOdd a, EvenOdd b) { return {div(a.even, b.even), div(a.odd, b.odd)}; }

struct Float32Lanes {
  using D = DF32;
  using Raw = VF32;
  using Wide = VF32;
  using Scalar = float;
  static HWY_INLINE Wide widen(Raw v) { return v; }
  static HWY_INLINE Raw narrow_numbers(Wide v) { return v; }
  static HWY_INLINE Raw narrow(Wide v) {
    return hn::IfThenElse(hn::IsNaN(v), hn::Set(D(), std::bit_cast<float>(kFloatNan)), v);
  }
  static HWY_INLINE Wide all(Scalar value) { return hn::Set(D(), value); }
  static Scalar scalar(std::uint64_t word) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(word));
  }
};

struct Float64Lanes {
  using D = DF64;
  using Raw = VF64;
  using Wide = VF64;
  using Scalar = double;
  static HWY_INLINE Wide widen(Raw v) { return v; }
  static HWY_INLINE Raw narrow_numbers(Wide v) { return v; }
  static HWY_INLINE Raw narrow(Wide v) {
    return hn::IfThenElse(hn::IsNaN(v), hn::Set(D(), std::bit_cast<double>(kDoubleNan)), v);
  }
  static HWY_INLINE Wide all(Scalar value) { return hn::Set(D(), value); }
  static Scalar scalar(std::uint64_t word) { return std::bit_cast<double>(word); }
};

// Two bfloat16 in each 32-bit lane: widening is a shift and a mask, without moving between lanes.
struct Bfloat16Lanes {
  using D = DU32;
  using Raw = VU32;
  using Wide = EvenOdd;
  using Scalar = float;
  static HWY_INLINE Wide widen(Raw v) {
    return {hn::BitCast(DF32(), hn::ShiftLeft<16>(v)),
            hn::BitCast(DF32(), hn::And(v, hn::Set(D(), 0xffff0000)))};
  }
  static HWY_INLINE Raw narrow_numbers(Wide w) {
    return interleaved(rounded(w.even), rounded(w.odd));
  }
  static HWY_INLINE Raw narrow(Wide w) {
    return interleaved(rounded_or_nan(w.even), rounded_or_nan(w.odd));
  }
  static HWY_INLINE Wide all(Scalar value) {
    const VF32 v = hn::Set(DF32(), value);
    return {v, v};
  }
  static Scalar scalar(std::uint64_t word) {
    return kernels::widen(kBfloat16, static_cast<std::uint16_t>(word));
  }

 private:
  // Rounded values are in the upper halves of the lanes.
  static HWY_INLINE VU32 rounded(VF32 v) {
    const VU32 bits = hn::BitCast(D(), v);
    const VU32 odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(D(), 1));
    return hn::Add(hn::Add(bits, hn::Set(D(), 0x7fff)), odd);
  }
  static HWY_INLINE VU32 rounded_or_nan(VF32 v) {
    const auto nan = hn::RebindMask(D(), hn::IsNaN(v));
    return hn::IfThenElse(nan, hn::Set(D(), kFloatNan), rounded(v));
  }
  static HWY_INLINE Raw interleaved(VU32 even, VU32 odd) {
    return hn::Or(hn::ShiftRight<16>(even), hn::And(odd, hn::Set(D(), 0xffff0000)));
  }
};

// narrow() and widen() of convert.hpp on vectors of 32-bit lanes, for formats with short exponents.
template <FloatFormat kFormat>
HWY_INLINE VF32 widen_lanes(VU32 v) {
  const DU32 d;
  constexpr int kDrop = kFormat.dropped_bits();
  constexpr auto kRebias = static_cast<std::uint32_t>(127 - kFormat.bias()) << 23;
  const VU32 sign = hn::ShiftLeft<31>(hn::ShiftRight<kFormat.sign_shift()>(v));
  const VU32 magnitude = hn::And(v, hn::Set(d, (1u << kFormat.sign_shift()) - 1));
  const VU32 shifted = hn::ShiftLeft<kDrop>(magnitude);
  const VF32 base = hn::BitCast(DF32(), hn::Set(d, kFormat.smallest_normal()));
  const VF32 sum = hn::BitCast(DF32(), hn::Or(shifted, hn::Set(d, kFormat.smallest_normal())));
  const VU32 small = hn::BitCast(d, hn::Sub(sum, base));
  const auto is_small = hn::Lt(magnitude, hn::Set(d, 1u << kFormat.mantissa_bits));
  VU32 result = hn::IfThenElse(is_small, small, hn::Add(shifted, hn::Set(d, kRebias)));
  if constexpr (kFormat.infinity != kFormat.largest) {
    const auto infinite = hn::Eq(magnitude, hn::Set(d, kFormat.infinity));
    result = hn::IfThenElse(infinite, hn::Set(d, 0x7f800000), result);
  }
  const auto nan = hn::Gt(magnitude, hn::Set(d, kFormat.infinity));
  return hn::BitCast(DF32(), hn::IfThenElse(nan, hn::Set(d, kFloatNan), hn::Or(sign, result)));
}

template <FloatFormat kFormat>
HWY_INLINE VU32 narrow_lanes(VF32 v) {
  const DU32 d;
  constexpr int kDrop = kFormat.dropped_bits();
  constexpr auto kRebias = static_cast<std::uint32_t>(127 - kFormat.bias())
                           << kFormat.mantissa_bits;
  const VU32 bits = hn::BitCast(d, v);
  const VU32 sign = hn::ShiftLeft<kFormat.sign_shift()>(hn::ShiftRight<31>(bits));
  const VU32 magnitude = hn::And(bits, hn::Set(d, 0x7fffffff));
  const VU32 magic = hn::Set(d, kFormat.subnormal_magic());
  const VF32 sum = hn::Add(hn::BitCast(DF32(), magnitude), hn::BitCast(DF32(), magic));
  const VU32 small = hn::Sub(hn::BitCast(d, sum), magic);
  const VU32 odd = hn::And(hn::ShiftRight<kDrop>(magnitude), hn::Set(d, 1));
  const VU32 half = hn::Set(d, (1u << (kDrop - 1)) - 1);
  const VU32 rounded = hn::ShiftRight<kDrop>(hn::Add(hn::Add(magnitude, half), odd));
  const auto is_small = hn::Lt(magnitude, hn::Set(d, kFormat.smallest_normal()));
  VU32 result = hn::IfThenElse(is_small, small, hn::Sub(rounded, hn::Set(d, kRebias)));
  constexpr std::uint32_t kBeyond = kFormat.saturates ? kFormat.largest : kFormat.infinity;
  result = hn::IfThenElse(hn::Gt(result, hn::Set(d, kFormat.largest)), hn::Set(d, kBeyond), result);
  const VU32 infinity = hn::Set(d, 0x7f800000);
  result = hn::IfThenElse(hn::Eq(magnitude, infinity), hn::Set(d, kFormat.infinity), result);
  result = hn::Or(result, sign);
  return hn::IfThenElse(hn::Gt(magnitude, infinity), hn::Set(d, kFormat.nan), result);
}

struct Float16Lanes {
  using D = hn::Rebind<std::uint16_t, DF32>;
  using Raw = hn::Vec<D>;
  using Wide = VF32;
  using Scalar = float;
#if HWY_TARGET == HWY_SCALAR  // Highway's scalar conversion truncates
  static HWY_INLINE Wide widen(Raw v) { return widen_lanes<kFloat16>(hn::PromoteTo(DU32(), v)); }
  static HWY_INLINE Raw narrow_numbers(Wide v) {
    return hn::TruncateTo(D(), narrow_lanes<kFloat16>(v));
  }
  static HWY_INLINE Raw narrow(Wide v) { return narrow_numbers(v); }
#else
  static HWY_INLINE Wide widen(Raw v) {
    return hn::PromoteTo(DF32(), hn::BitCast(hn::Rebind<hwy::float16_t, DF32>(), v));
  }
  static HWY_INLINE Raw narrow_numbers(Wide v) {
    return hn::BitCast(D(), hn::DemoteTo(hn::Rebind<hwy::float16_t, DF32>(), v));
  }
  static HWY_INLINE Raw narrow(Wide v) { return narrow_numbers(Float32Lanes::narrow(v)); }
#endif
  static HWY_INLINE Wide all(Scalar value) { return hn::Set(DF32(), value); }
  static Scalar scalar(std::uint64_t word) {
    return kernels::widen(kFloat16, static_cast<std::uint16_t>(word));
  }
};

template <FloatFormat kFormat>
struct Float8Lanes {
  using D = hn::Rebind<std::uint8_t, DF32>;
  using Raw = hn::Vec<D>;
  using Wide = VF32;
  using Scalar = float;
  static HWY_INLINE Wide widen(Raw v) { return widen_lanes<kFormat>(hn::PromoteTo(DU32(), v)); }
  static HWY_INLINE Raw narrow_numbers(Wide v) {
    return hn::TruncateTo(D(), narrow_lanes<kFormat>(v));
  }
  static HWY_INLINE Raw narrow(Wide v) { return narrow_numbers(v); }
  static HWY_INLINE Wide all(Scalar value) { return hn::Set(DF32(), value); }
  static Scalar scalar(std::uint64_t word) {
    return kernels::widen(kFormat, static_cast<std::uint8_t>(word));
  }
};

HWY_INLINE VF32 folded(VF32 v) { return v; }
HWY_INLINE VF64 folded(VF64 v) { return v; }
HWY_INLINE VF32 folded(EvenOdd v) { return add(v.even, v.odd); }

// Rounds several accumulators. One look at their sum, which is NaN if any of them is, spares the
// rounding of numbers the care for NaN: with a compare and a blend for every vector, float sums of
// 32 KiB in cache took 17 % longer, with this 5 %. (inf - inf makes the sum NaN too, and only costs
// the longer way.)
template <class Lanes, std::size_t kVectors>
HWY_INLINE void narrow_block(const typename Lanes::Wide (&wide)[kVectors],
                             typename Lanes::Raw (&raw)[kVectors]) {
  auto sum = folded(wide[0]);
#pragma GCC unroll 8
  for (std::size_t v = 1; v < kVectors; ++v) sum = add(sum, folded(wide[v]));
  if (HWY_LIKELY(hn::AllFalse(hn::DFromV<decltype(sum)>(), hn::IsNaN(sum)))) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) raw[v] = Lanes::narrow_numbers(wide[v]);
  } else {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) raw[v] = Lanes::narrow(wide[v]);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tutti::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
