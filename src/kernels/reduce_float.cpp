// Sum, prod and avg of float32 and float64.
#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce_float.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/reduce_float_policy-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace tutti::kernels {
namespace HWY_NAMESPACE {

void reduce_floats_on_target(const ReduceCall& call) {
  if (call.type == tuttiFloat32) {
    reduce_float_type<Float32Lanes>(call);
  } else {
    reduce_float_type<Float64Lanes>(call);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tutti::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tutti::kernels {

HWY_EXPORT(reduce_floats_on_target);

void reduce_floats(const ReduceCall& call) { HWY_DYNAMIC_DISPATCH(reduce_floats_on_target)(call); }

}  // namespace tutti::kernels
#endif
