// Elements of Tutti's types for tests: inputs that encode (rank, index), and what an exact or
// correctly rounded result looks like. Written independently of the library's conversions.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <cstdint>

namespace tutti::perf {

constexpr std::uint64_t mix(std::uint64_t x) {  // splitmix64's finalizer
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// Different for (almost) every seed, rank and index.
constexpr std::uint64_t code_of(std::uint64_t seed, int rank, std::size_t index) {
  return mix(seed * 0x9e3779b97f4a7c15u + (static_cast<std::uint64_t>(rank) << 40) + index);
}

// A whole number that `type` represents exactly, chosen so that a reduction with `op` over `ranks`
// ranks shows errors and does not leave the range where floating sums are exact.
int number_of(std::uint64_t code, tuttiDataType_t type, tuttiRedOp_t op, int ranks);

// Writes `number`, which must be representable, as element `index` of `buffer`.
void store_number(void* buffer, std::size_t index, tuttiDataType_t type, int number);

// Writes the lowest bits of `code`, whatever number that is.
void store_code(void* buffer, std::size_t index, tuttiDataType_t type, std::uint64_t code);
bool holds_code(const void* buffer, std::size_t index, tuttiDataType_t type, std::uint64_t code);

bool is_integer(tuttiDataType_t type);
std::int64_t load_integer(const void* buffer, std::size_t index, tuttiDataType_t type);
double load_float(const void* buffer, std::size_t index, tuttiDataType_t type);

// `value` wrapped to the width of an integer type.
std::int64_t wrap(std::int64_t value, tuttiDataType_t type);
// `value` rounded to nearest even in a floating type; 8-bit floats saturate, others overflow to
// infinity.
double round_to(double value, tuttiDataType_t type);
// The distance between neighbours of that type near `value`.
double spacing_at(double value, tuttiDataType_t type);

}  // namespace tutti::perf
