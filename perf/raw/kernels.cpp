// Highway compiles this file once per instruction set; the best one is chosen at run time. Bfloat16
// pairs are handled as the two halves of a 32-bit lane, which needs no shuffles.
#include "perf/raw/kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "perf/raw/kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace tutti::raw {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void Copy(void* to, const void* from, std::size_t bytes) {
  const hn::ScalableTag<std::uint8_t> tag;
  const std::size_t step = hn::Lanes(tag);
  auto* target = static_cast<std::uint8_t*>(to);
  const auto* source = static_cast<const std::uint8_t*>(from);
  std::size_t i = 0;
  for (; i + 4 * step <= bytes; i += 4 * step) {
    const auto a = hn::LoadU(tag, source + i);
    const auto b = hn::LoadU(tag, source + i + step);
    const auto c = hn::LoadU(tag, source + i + 2 * step);
    const auto d = hn::LoadU(tag, source + i + 3 * step);
    hn::StoreU(a, tag, target + i);
    hn::StoreU(b, tag, target + i + step);
    hn::StoreU(c, tag, target + i + 2 * step);
    hn::StoreU(d, tag, target + i + 3 * step);
  }
  std::memcpy(target + i, source + i, bytes - i);
}

void CopyStreamed(void* to, const void* from, std::size_t bytes) {
  const hn::ScalableTag<std::uint8_t> tag;
  const std::size_t step = hn::Lanes(tag);
  auto* target = static_cast<std::uint8_t*>(to);
  const auto* source = static_cast<const std::uint8_t*>(from);
  std::size_t i = 0;
  if (reinterpret_cast<std::uintptr_t>(target) % step == 0) {
    for (; i + step <= bytes; i += step) hn::Stream(hn::LoadU(tag, source + i), tag, target + i);
    hwy::FlushStream();
  }
  std::memcpy(target + i, source + i, bytes - i);
}

void AddF32(float* to, const float* a, const float* b, std::size_t count) {
  const hn::ScalableTag<float> tag;
  const std::size_t step = hn::Lanes(tag);
  std::size_t i = 0;
  for (; i + 2 * step <= count; i += 2 * step) {
    const auto low = hn::Add(hn::LoadU(tag, a + i), hn::LoadU(tag, b + i));
    const auto high = hn::Add(hn::LoadU(tag, a + i + step), hn::LoadU(tag, b + i + step));
    hn::StoreU(low, tag, to + i);
    hn::StoreU(high, tag, to + i + step);
  }
  for (; i < count; ++i) to[i] = a[i] + b[i];
}

void AddF32Twice(float* to, float* other, const float* a, const float* b, std::size_t count) {
  const hn::ScalableTag<float> tag;
  const std::size_t step = hn::Lanes(tag);
  std::size_t i = 0;
  for (; i + step <= count; i += step) {
    const auto sum = hn::Add(hn::LoadU(tag, a + i), hn::LoadU(tag, b + i));
    hn::StoreU(sum, tag, to + i);
    hn::StoreU(sum, tag, other + i);
  }
  for (; i < count; ++i) to[i] = other[i] = a[i] + b[i];
}

constexpr std::uint32_t kHighHalf = 0xffff0000u;

// The bits of a float, rounded to nearest even at bit 16; the low half is left dirty.
template <class D, class V>
HWY_INLINE V RoundToHighHalf(D tag, V bits) {
  const V odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(tag, 1u));
  return hn::Add(hn::Add(bits, hn::Set(tag, 0x7fffu)), odd);
}

// Accumulates `Rows` rows of bfloat16 pairs; products are rounded before they are added.
template <std::size_t Rows, bool kWeighted>
HWY_INLINE void SumBf16(std::uint16_t* to, const std::uint16_t* const* rows, const float* weights,
                        std::size_t count) {
  const hn::ScalableTag<std::uint32_t> tag;
  const hn::ScalableTag<float> floats;
  const std::size_t pairs = hn::Lanes(tag);
  const auto high_half = hn::Set(tag, kHighHalf);
  alignas(64) std::uint32_t tail[16 * Rows] = {};
  for (std::size_t i = 0; i < count; i += 2 * pairs) {
    const bool whole = i + 2 * pairs <= count;
    const std::size_t bytes = whole ? 0 : (count - i) * sizeof(std::uint16_t);
    auto even = hn::Zero(floats);
    auto odd = hn::Zero(floats);
    for (std::size_t k = 0; k < Rows; ++k) {
      const void* source = rows[k] + i;
      if (HWY_UNLIKELY(!whole)) source = std::memcpy(tail + 16 * k, source, bytes);
      const auto both = hn::LoadU(tag, static_cast<const std::uint32_t*>(source));
      auto low = hn::BitCast(floats, hn::ShiftLeft<16>(both));
      auto high = hn::BitCast(floats, hn::And(both, high_half));
      if (kWeighted) {
        const auto weight = hn::Set(floats, weights[k]);
        low = hn::Mul(low, weight);
        high = hn::Mul(high, weight);
      }
      even = k == 0 ? low : hn::Add(even, low);
      odd = k == 0 ? high : hn::Add(odd, high);
    }
    const auto low = hn::ShiftRight<16>(RoundToHighHalf(tag, hn::BitCast(tag, even)));
    const auto high = hn::And(RoundToHighHalf(tag, hn::BitCast(tag, odd)), high_half);
    if (HWY_LIKELY(whole)) {
      hn::StoreU(hn::Or(low, high), tag, reinterpret_cast<std::uint32_t*>(to + i));
    } else {
      hn::StoreU(hn::Or(low, high), tag, tail);
      std::memcpy(to + i, tail, bytes);
    }
  }
}

void AddBf16(std::uint16_t* to, const std::uint16_t* a, const std::uint16_t* b, std::size_t count) {
  const std::uint16_t* const rows[] = {a, b};
  SumBf16<2, false>(to, rows, nullptr, count);
}

void Weigh8Bf16(std::uint16_t* to, const std::uint16_t* const* rows, const float* weights,
                std::size_t count) {
  SumBf16<8, true>(to, rows, weights, count);
}

const char* TargetName() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace tutti::raw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tutti::raw {

HWY_EXPORT(Copy);
HWY_EXPORT(CopyStreamed);
HWY_EXPORT(AddF32);
HWY_EXPORT(AddF32Twice);
HWY_EXPORT(AddBf16);
HWY_EXPORT(Weigh8Bf16);
HWY_EXPORT(TargetName);

void copy_bytes(void* to, const void* from, std::size_t bytes) {
  HWY_DYNAMIC_DISPATCH(Copy)(to, from, bytes);
}
void copy_bytes_streamed(void* to, const void* from, std::size_t bytes) {
  HWY_DYNAMIC_DISPATCH(CopyStreamed)(to, from, bytes);
}
void add_f32(float* to, const float* a, const float* b, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(AddF32)(to, a, b, count);
}
void add_f32_twice(float* to, float* other, const float* a, const float* b, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(AddF32Twice)(to, other, a, b, count);
}
void add_bf16(std::uint16_t* to, const std::uint16_t* a, const std::uint16_t* b,
              std::size_t count) {
  HWY_DYNAMIC_DISPATCH(AddBf16)(to, a, b, count);
}
void weigh8_bf16(std::uint16_t* to, const std::uint16_t* const (&rows)[8],
                 const float (&weights)[8], std::size_t count) {
  HWY_DYNAMIC_DISPATCH(Weigh8Bf16)(to, rows, weights, count);
}
const char* kernel_target() { return HWY_DYNAMIC_DISPATCH(TargetName)(); }

}  // namespace tutti::raw
#endif
