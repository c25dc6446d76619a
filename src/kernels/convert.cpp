// Bulk conversions between float and the small floats.
#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convert.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/convert.hpp"
#include "kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace tutti::kernels {
namespace HWY_NAMESPACE {

// bfloat16 in the order of memory, for which EvenOdd is not made.
struct OrderedBfloat16Lanes {
  using D = hn::Rebind<std::uint16_t, DF32>;
  using Raw = hn::Vec<D>;
  static HWY_INLINE VF32 widen(Raw v) {
    return Float32Lanes::narrow(hn::BitCast(DF32(), hn::ShiftLeft<16>(hn::PromoteTo(DU32(), v))));
  }
  static HWY_INLINE Raw narrow(VF32 v) {
    return hn::TruncateTo(D(), Bfloat16Lanes::narrow({v, hn::Zero(DF32())}));
  }
};

template <class Lanes>
void narrow_all(std::byte* narrowed, const float* values, std::size_t count) {
  const typename Lanes::D d;
  constexpr std::size_t kLanes = hn::MaxLanes(DF32());
  constexpr std::size_t kSize = sizeof(hn::TFromD<typename Lanes::D>);
  const auto* from = reinterpret_cast<const std::byte*>(values);
  std::size_t i = 0;
  for (; count - i >= kLanes; i += kLanes) {
    store(d, Lanes::narrow(load(DF32(), from + i * sizeof(float))), narrowed + i * kSize);
  }
  if (i == count) return;
  const VF32 rest = load_part(DF32(), from + i * sizeof(float), (count - i) * sizeof(float));
  store_part(d, Lanes::narrow(rest), narrowed + i * kSize, (count - i) * kSize);
}

template <class Lanes>
void widen_all(float* values, const std::byte* narrowed, std::size_t count) {
  const typename Lanes::D d;
  constexpr std::size_t kLanes = hn::MaxLanes(DF32());
  constexpr std::size_t kSize = sizeof(hn::TFromD<typename Lanes::D>);
  auto* to = reinterpret_cast<std::byte*>(values);
  const auto widened = [](auto raw) HWY_ATTR { return Float32Lanes::narrow(Lanes::widen(raw)); };
  std::size_t i = 0;
  for (; count - i >= kLanes; i += kLanes) {
    store(DF32(), widened(load(d, narrowed + i * kSize)), to + i * sizeof(float));
  }
  if (i == count) return;
  const auto rest = load_part(d, narrowed + i * kSize, (count - i) * kSize);
  store_part(DF32(), widened(rest), to + i * sizeof(float), (count - i) * sizeof(float));
}

void from_float_on_target(tuttiDataType_t type, std::byte* narrowed, const float* values,
                          std::size_t count) {
  if (type == tuttiBfloat16) return narrow_all<OrderedBfloat16Lanes>(narrowed, values, count);
  if (type == tuttiFloat16) return narrow_all<Float16Lanes>(narrowed, values, count);
  if (type == tuttiFloat8e4m3) return narrow_all<Float8Lanes<kFloat8e4m3>>(narrowed, values, count);
  narrow_all<Float8Lanes<kFloat8e5m2>>(narrowed, values, count);
}

void to_float_on_target(tuttiDataType_t type, float* values, const std::byte* narrowed,
                        std::size_t count) {
  if (type == tuttiBfloat16) return widen_all<OrderedBfloat16Lanes>(values, narrowed, count);
  if (type == tuttiFloat16) return widen_all<Float16Lanes>(values, narrowed, count);
  if (type == tuttiFloat8e4m3) return widen_all<Float8Lanes<kFloat8e4m3>>(values, narrowed, count);
  widen_all<Float8Lanes<kFloat8e5m2>>(values, narrowed, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace tutti::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tutti::kernels {

HWY_EXPORT(from_float_on_target);
HWY_EXPORT(to_float_on_target);

void from_float(tuttiDataType_t type, std::byte* narrowed, const float* values, std::size_t count) {
  if (count == 0) return;
  if (type == tuttiFloat32) {
    std::memcpy(narrowed, values, count * sizeof(float));
    return;
  }
  HWY_DYNAMIC_DISPATCH(from_float_on_target)(type, narrowed, values, count);
}

void to_float(tuttiDataType_t type, float* values, const std::byte* narrowed, std::size_t count) {
  if (count == 0) return;
  if (type == tuttiFloat32) {
    std::memcpy(values, narrowed, count * sizeof(float));
    return;
  }
  HWY_DYNAMIC_DISPATCH(to_float_on_target)(type, values, narrowed, count);
}

}  // namespace tutti::kernels
#endif
