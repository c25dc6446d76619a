// Sum, prod and avg of the integers, which wrap.
#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce_integer.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <type_traits>

#include "kernels/reduce_loop-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace tutti::kernels {
namespace HWY_NAMESPACE {

// The low half of a product. Highway has it for 32 bits everywhere, for 64 only where the target
// does.
constexpr bool kScalar = HWY_TARGET == HWY_SCALAR;
constexpr bool kMultiplies64 = kScalar || HWY_TARGET <= HWY_AVX3;

template <class V, class D = hn::DFromV<V>>
HWY_INLINE V multiply(V a, V b) {
  constexpr std::size_t kSize = sizeof(hn::TFromD<D>);
  const D d;
  if constexpr (kSize == 1 && !kScalar) {
    const hn::Repartition<std::uint16_t, D> d16;
    const auto a16 = hn::BitCast(d16, a);
    const auto b16 = hn::BitCast(d16, b);
    const auto even = hn::And(hn::Mul(a16, b16), hn::Set(d16, 0xff));
    const auto odd = hn::Mul(hn::ShiftRight<8>(a16), hn::ShiftRight<8>(b16));
    return hn::BitCast(d, hn::Or(even, hn::ShiftLeft<8>(odd)));
  } else if constexpr (kSize == 8 && !kMultiplies64) {
    const hn::Repartition<std::uint32_t, D> d32;
    const auto a32 = hn::BitCast(d32, a);
    const auto b32 = hn::BitCast(d32, b);
    const auto b_upper = hn::BitCast(d32, hn::ShiftRight<32>(b));
    const auto a_upper = hn::BitCast(d32, hn::ShiftRight<32>(a));
    const auto upper = hn::Add(hn::MulEven(a32, b_upper), hn::MulEven(a_upper, b32));
    return hn::Add(hn::MulEven(a32, b32), hn::ShiftLeft<32>(upper));
  } else {
    return hn::Mul(a, b);
  }
}

// T is the element type; sums and products are the same for both signs.
template <typename T, tuttiRedOp_t kOp, bool kScaled>
struct IntegerPolicy {
  using U = std::make_unsigned_t<T>;
  using D = hn::ScalableTag<U>;
  using Accumulator = hn::Vec<D>;
  static constexpr bool kHot = kOp == tuttiSum;

  explicit IntegerPolicy(const ReduceCall& call) : scales_(call.scales), divisor_(call.divisor) {}

  HWY_INLINE Accumulator first(Accumulator raw, std::size_t source) const {
    if constexpr (kScaled) return multiply(raw, hn::Set(D(), static_cast<U>(scales_[source])));
    (void)source;
    return raw;
  }
  HWY_INLINE Accumulator next(Accumulator acc, Accumulator raw, std::size_t source) const {
    if constexpr (kOp == tuttiProd) return multiply(acc, first(raw, source));
    return hn::Add(acc, first(raw, source));
  }
  template <std::size_t kVectors>
  HWY_INLINE void finish(Accumulator (&acc)[kVectors], Accumulator (&out)[kVectors]) const {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) out[v] = finished(acc[v]);
  }
  HWY_INLINE Accumulator finished(Accumulator acc) const {
    if constexpr (kOp == tuttiAvg) {
      if (divisor_ != 1) return divided(acc);
    }
    return acc;
  }

 private:
  // Lane by lane: no target divides integers.
  HWY_NOINLINE Accumulator divided(Accumulator acc) const {
    using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    alignas(64) U lanes[hn::MaxLanes(D())];
    hn::Store(acc, D(), lanes);
    for (U& lane : lanes) {
      lane = static_cast<U>(static_cast<Wide>(static_cast<T>(lane)) / static_cast<Wide>(divisor_));
    }
    return hn::Load(D(), lanes);
  }

  const std::uint64_t* scales_;
  int divisor_;
};

template <typename T>
void reduce_integer_type(const ReduceCall& call) {
  using U = std::make_unsigned_t<T>;
  if (call.op == tuttiProd) return reduce_with<IntegerPolicy<U, tuttiProd, false>>(call);
  const bool divides = call.divisor != 1;
  if (divides && call.scales) return reduce_with<IntegerPolicy<T, tuttiAvg, true>>(call);
  if (divides) return reduce_with<IntegerPolicy<T, tuttiAvg, false>>(call);
  if (call.scales) return reduce_with<IntegerPolicy<U, tuttiAvg, true>>(call);
  reduce_with<IntegerPolicy<U, tuttiSum, false>>(call);
}

void reduce_integers_on_target(const ReduceCall& call) {
  switch (call.type) {
    case tuttiInt8:
      return reduce_integer_type<std::int8_t>(call);
    case tuttiUint8:
      return reduce_integer_type<std::uint8_t>(call);
    case tuttiInt32:
      return reduce_integer_type<std::int32_t>(call);
    case tuttiUint32:
      return reduce_integer_type<std::uint32_t>(call);
    case tuttiInt64:
      return reduce_integer_type<std::int64_t>(call);
    default:
      return reduce_integer_type<std::uint64_t>(call);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tutti::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tutti::kernels {

HWY_EXPORT(reduce_integers_on_target);

void reduce_integers(const ReduceCall& call) {
  HWY_DYNAMIC_DISPATCH(reduce_integers_on_target)(call);
}

}  // namespace tutti::kernels
#endif
