// C++ facade: element types, and how a result code becomes a tutti::Error.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <string>
#include <tutti/error.hpp>
#include <type_traits>

namespace tutti {
inline namespace facade {

// Storage of the types that C++20 lacks; arithmetic on them is the user's. An engine with types of
// its own specialises data_type for them.
struct float16 {
  std::uint16_t bits;
};
struct bfloat16 {
  std::uint16_t bits;
};
struct float8e4m3 {
  std::uint8_t bits;
};
struct float8e5m2 {
  std::uint8_t bits;
};

// data_type<T>::value is the tuttiDataType_t of T.
template <typename T>
struct data_type;

template <std::integral T>
requires(!std::same_as<T, bool>) struct data_type<T> {
  static constexpr tuttiDataType_t signed_value = sizeof(T) == 1   ? tuttiInt8
                                                  : sizeof(T) == 4 ? tuttiInt32
                                                                   : tuttiInt64;
  static_assert(sizeof(T) == 1 || sizeof(T) == 4 || sizeof(T) == 8, "Tutti has no 16-bit integers");
  // Every unsigned type follows its signed one.
  static constexpr tuttiDataType_t value =
      static_cast<tuttiDataType_t>(signed_value + (std::is_signed_v<T> ? 0 : 1));
};
template <>
struct data_type<float> {
  static constexpr tuttiDataType_t value = tuttiFloat32;
};
template <>
struct data_type<double> {
  static constexpr tuttiDataType_t value = tuttiFloat64;
};
template <>
struct data_type<float16> {
  static constexpr tuttiDataType_t value = tuttiFloat16;
};
template <>
struct data_type<bfloat16> {
  static constexpr tuttiDataType_t value = tuttiBfloat16;
};
template <>
struct data_type<float8e4m3> {
  static constexpr tuttiDataType_t value = tuttiFloat8e4m3;
};
template <>
struct data_type<float8e5m2> {
  static constexpr tuttiDataType_t value = tuttiFloat8e5m2;
};

// What a call reads: a std::span, std::vector, std::array, tutti::Buffer, ... of elements.
template <typename R>
concept Readable = std::ranges::contiguous_range<R> && std::ranges::sized_range<R> && requires {
  data_type<std::ranges::range_value_t<R>>::value;
};
// What a call writes.
template <typename R>
concept Writable =
    Readable<R> && !std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<R>>>;

template <typename S, typename R>
concept SameElement = std::same_as<std::ranges::range_value_t<S>, std::ranges::range_value_t<R>>;

namespace detail {

template <typename R>
inline constexpr tuttiDataType_t type_of = data_type<std::ranges::range_value_t<R>>::value;

// Throws what `text` says, or the code's own sentence where it is empty.
[[noreturn]] inline void raise(tuttiResult_t code, const char* text) {
  throw Error(code, *text != '\0' ? text : tuttiGetErrorString(code));
}

// Throws the last error of `comm` (NULL: of this thread) unless `code` is tuttiSuccess.
inline void check(tuttiResult_t code, tuttiComm_t comm = nullptr) {
  if (code != tuttiSuccess) [[unlikely]] {
    raise(code, tuttiGetLastError(comm));
  }
}

inline void require(bool condition, const char* text) {
  if (!condition) [[unlikely]] {
    throw Error(tuttiInvalidArgument, text);
  }
}

}  // namespace detail
}  // namespace facade
}  // namespace tutti
