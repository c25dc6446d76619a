// Sum, prod and avg of bfloat16 and float16.
#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce_half.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/reduce_float_policy-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace tutti::kernels {
namespace HWY_NAMESPACE {

void reduce_halves_on_target(const ReduceCall& call) {
  if (call.type == tuttiBfloat16) {
    reduce_float_type<Bfloat16Lanes>(call);
  } else {
    reduce_float_type<Float16Lanes>(call);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tutti::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tutti::kernels {

HWY_EXPORT(reduce_halves_on_target);

void reduce_halves(const ReduceCall& call) { HWY_DYNAMIC_DISPATCH(reduce_halves_on_target)(call); }

}  // namespace tutti::kernels
#endif
