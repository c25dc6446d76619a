// Sum, prod and avg of the 8-bit floats.
#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce_fp8.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/reduce_float_policy-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace tutti::kernels {
namespace HWY_NAMESPACE {

void reduce_fp8_on_target(const ReduceCall& call) {
  if (call.type == tuttiFloat8e4m3) {
    reduce_float_type<Float8Lanes<kFloat8e4m3>>(call);
  } else {
    reduce_float_type<Float8Lanes<kFloat8e5m2>>(call);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tutti::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tutti::kernels {

HWY_EXPORT(reduce_fp8_on_target);

void reduce_fp8(const ReduceCall& call) { HWY_DYNAMIC_DISPATCH(reduce_fp8_on_target)(call); }

}  // namespace tutti::kernels
#endif
