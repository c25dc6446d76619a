// Per target: sum, prod and avg of a floating type, given its lanes.

#if defined(TUTTI_KERNELS_REDUCE_FLOAT_POLICY_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TUTTI_KERNELS_REDUCE_FLOAT_POLICY_INL
#undef TUTTI_KERNELS_REDUCE_FLOAT_POLICY_INL
#else
#define TUTTI_KERNELS_REDUCE_FLOAT_POLICY_INL
#endif

#include "kernels/reduce_loop-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace tutti::kernels {
namespace HWY_NAMESPACE {

template <class Lanes, tuttiRedOp_t kOp, bool kScaled>
struct FloatPolicy {
  using D = typename Lanes::D;
  using Raw = typename Lanes::Raw;
  using Accumulator = typename Lanes::Wide;
  using Scalar = typename Lanes::Scalar;
  static constexpr bool kHot = kOp == tuttiSum;

  explicit FloatPolicy(const ReduceCall& call)
      : scales_(call.scales),
        divisor_(static_cast<Scalar>(call.divisor)),
        reciprocal_(kOp == tuttiAvg ? Scalar(1) / divisor_ : Scalar(1)),
        power_of_two_((call.divisor & (call.divisor - 1)) == 0) {}

  HWY_INLINE Accumulator first(Raw raw, std::size_t source) const {
    const Accumulator value = Lanes::widen(raw);
    if constexpr (kScaled) return mul(value, Lanes::all(Lanes::scalar(scales_[source])));
    (void)source;
    return value;
  }
  HWY_INLINE Accumulator next(Accumulator acc, Raw raw, std::size_t source) const {
    if constexpr (kOp == tuttiProd) return mul(acc, first(raw, source));
    return add(acc, first(raw, source));
  }
  template <std::size_t kVectors>
  HWY_INLINE void finish(Accumulator (&acc)[kVectors], Raw (&out)[kVectors]) const {
    if constexpr (kOp == tuttiAvg) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) acc[v] = divided(acc[v]);
    }
    narrow_block<Lanes>(acc, out);
  }

 private:
  HWY_INLINE Accumulator divided(Accumulator acc) const {
    // Multiplying by a power of two rounds exactly as dividing by its inverse does.
    return power_of_two_ ? mul(acc, Lanes::all(reciprocal_)) : div(acc, Lanes::all(divisor_));
  }

  const std::uint64_t* scales_;
  Scalar divisor_;
  Scalar reciprocal_;
  bool power_of_two_;
};

// Scaled sums and averages share one loop: the divisor of a sum is 1.
template <class Lanes>
void reduce_float_type(const ReduceCall& call) {
  if (call.scales) return reduce_with<FloatPolicy<Lanes, tuttiAvg, true>>(call);
  if (call.op == tuttiSum) return reduce_with<FloatPolicy<Lanes, tuttiSum, false>>(call);
  if (call.op == tuttiProd) return reduce_with<FloatPolicy<Lanes, tuttiProd, false>>(call);
  reduce_with<FloatPolicy<Lanes, tuttiAvg, false>>(call);
}

}  // namespace HWY_NAMESPACE
}  // namespace tutti::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
