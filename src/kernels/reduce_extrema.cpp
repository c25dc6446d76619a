// Min and max of every type. Floats are compared as integers: a float's bits, with the magnitude
// inverted when it is negative, order like the number, -0 below +0; NaN is moved to the end that
// wins. So there is nothing to convert or round, and nothing that could differ between targets.
#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce_extrema.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <limits>

#include "kernels/reduce_loop-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace tutti::kernels {
namespace HWY_NAMESPACE {

template <bool kMax, class V>
HWY_INLINE V extremum(V a, V b) {
  if constexpr (kMax) return hn::Max(a, b);
  return hn::Min(a, b);
}

template <typename T, bool kMax>
struct IntegerExtremum {
  using D = hn::ScalableTag<T>;
  using Accumulator = hn::Vec<D>;
  static constexpr bool kHot = false;
  explicit IntegerExtremum(const ReduceCall&) {}

  HWY_INLINE Accumulator first(Accumulator raw, std::size_t) const { return raw; }
  HWY_INLINE Accumulator next(Accumulator acc, Accumulator raw, std::size_t) const {
    return extremum<kMax>(acc, raw);
  }
  template <std::size_t kVectors>
  HWY_INLINE void finish(Accumulator (&acc)[kVectors], Accumulator (&out)[kVectors]) const {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) out[v] = finished(acc[v]);
  }
  HWY_INLINE Accumulator finished(Accumulator acc) const { return acc; }
};

// T is the signed integer as wide as the float.
template <typename T, bool kMax>
struct FloatExtremum {
  using D = hn::ScalableTag<T>;
  using Accumulator = hn::Vec<D>;
  static constexpr bool kHot = false;
  static constexpr T kMagnitude = std::numeric_limits<T>::max();
  static constexpr T kNanKey = kMax ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min();

  explicit FloatExtremum(const ReduceCall& call)
      : infinity_(infinity(call.type)), nan_(nan(call.type)) {}

  HWY_INLINE Accumulator first(Accumulator raw, std::size_t) const {
    const auto is_nan = hn::Gt(hn::And(raw, hn::Set(D(), kMagnitude)), hn::Set(D(), infinity_));
    return hn::IfThenElse(is_nan, hn::Set(D(), kNanKey), flipped(raw));
  }
  HWY_INLINE Accumulator next(Accumulator acc, Accumulator raw, std::size_t source) const {
    return extremum<kMax>(acc, first(raw, source));
  }
  template <std::size_t kVectors>
  HWY_INLINE void finish(Accumulator (&acc)[kVectors], Accumulator (&out)[kVectors]) const {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) out[v] = finished(acc[v]);
  }
  HWY_INLINE Accumulator finished(Accumulator acc) const {
    const auto is_nan = hn::Eq(acc, hn::Set(D(), kNanKey));
    return hn::IfThenElse(is_nan, hn::Set(D(), nan_), flipped(acc));
  }

 private:
  // Its own inverse.
  static HWY_INLINE Accumulator flipped(Accumulator v) {
    return hn::Xor(v, hn::And(hn::BroadcastSignBit(v), hn::Set(D(), kMagnitude)));
  }
  static T infinity(tuttiDataType_t type) {
    if (type == tuttiFloat64) return static_cast<T>(0x7ff0000000000000);
    if (type == tuttiFloat32) return static_cast<T>(0x7f800000);
    return static_cast<T>(format_of(type).infinity);
  }
  static T nan(tuttiDataType_t type) {
    if (type == tuttiFloat64) return static_cast<T>(kDoubleNan);
    if (type == tuttiFloat32) return static_cast<T>(kFloatNan);
    return static_cast<T>(format_of(type).nan);
  }

  T infinity_;
  T nan_;
};

template <bool kMax>
void reduce_extremum(const ReduceCall& call) {
  switch (call.type) {
    case tuttiInt8:
      return reduce_with<IntegerExtremum<std::int8_t, kMax>>(call);
    case tuttiUint8:
      return reduce_with<IntegerExtremum<std::uint8_t, kMax>>(call);
    case tuttiInt32:
      return reduce_with<IntegerExtremum<std::int32_t, kMax>>(call);
    case tuttiUint32:
      return reduce_with<IntegerExtremum<std::uint32_t, kMax>>(call);
    case tuttiInt64:
      return reduce_with<IntegerExtremum<std::int64_t, kMax>>(call);
    case tuttiUint64:
      return reduce_with<IntegerExtremum<std::uint64_t, kMax>>(call);
    case tuttiFloat8e4m3:
    case tuttiFloat8e5m2:
      return reduce_with<FloatExtremum<std::int8_t, kMax>>(call);
    case tuttiFloat16:
    case tuttiBfloat16:
      return reduce_with<FloatExtremum<std::int16_t, kMax>>(call);
    case tuttiFloat32:
      return reduce_with<FloatExtremum<std::int32_t, kMax>>(call);
    default:
      return reduce_with<FloatExtremum<std::int64_t, kMax>>(call);
  }
}

void reduce_extrema_on_target(const ReduceCall& call) {
  if (call.op == tuttiMax) {
    reduce_extremum<true>(call);
  } else {
    reduce_extremum<false>(call);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tutti::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tutti::kernels {

HWY_EXPORT(reduce_extrema_on_target);

void reduce_extrema(const ReduceCall& call) {
  HWY_DYNAMIC_DISPATCH(reduce_extrema_on_target)(call);
}

}  // namespace tutti::kernels
#endif
