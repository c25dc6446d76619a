// Elements of every type from small whole numbers that all types hold exactly, and back.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "base/data_type.hpp"
#include "kernels/convert.hpp"

namespace tutti::test {

inline void encode(tuttiDataType_t type, int value, std::byte* out) {
  const auto store = [out](auto element) { std::memcpy(out, &element, sizeof(element)); };
  const auto number = static_cast<float>(value);
  switch (type) {
    case tuttiInt8:
      return store(static_cast<std::int8_t>(value));
    case tuttiUint8:
      return store(static_cast<std::uint8_t>(value));
    case tuttiInt32:
      return store(std::int32_t{value});
    case tuttiUint32:
      return store(static_cast<std::uint32_t>(value));
    case tuttiInt64:
      return store(std::int64_t{value});
    case tuttiUint64:
      return store(static_cast<std::uint64_t>(value));
    case tuttiFloat16:
      return store(static_cast<std::uint16_t>(kernels::narrow(kernels::kFloat16, number)));
    case tuttiFloat32:
      return store(number);
    case tuttiFloat64:
      return store(double{number});
    case tuttiBfloat16:
      return store(static_cast<std::uint16_t>(kernels::narrow(kernels::kBfloat16, number)));
    case tuttiFloat8e4m3:
      return store(static_cast<std::uint8_t>(kernels::narrow(kernels::kFloat8e4m3, number)));
    case tuttiFloat8e5m2:
      return store(static_cast<std::uint8_t>(kernels::narrow(kernels::kFloat8e5m2, number)));
    case tuttiNumTypes:
      break;
  }
}

// `count` elements whose i-th is value(i).
template <typename Value>
std::vector<std::byte> elements(tuttiDataType_t type, std::size_t count, Value value) {
  const std::size_t size = size_of(type);
  std::vector<std::byte> bytes(count * size);
  for (std::size_t i = 0; i < count; ++i) encode(type, value(i), bytes.data() + i * size);
  return bytes;
}

}  // namespace tutti::test
