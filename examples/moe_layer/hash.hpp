// Numbers that look random and are the same everywhere: a function of a seed and a place.
#pragma once

#include <cstdint>
#include <string_view>

namespace moe_layer {

// A 32-bit mixer in which every input bit moves every output bit (Ellis' "lowbias32"); vectorises.
inline std::uint32_t mix(std::uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ x >> 16;
}

// Uniform in [-1, 1).
inline float uniform(std::uint32_t seed, std::uint32_t place) {
  return static_cast<float>(static_cast<std::int32_t>(mix(seed + 0x9e3779b9u * place))) * 0x1p-31f;
}

// FNV-1a.
inline std::uint32_t hash(std::string_view text) {
  std::uint32_t h = 2166136261u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  return h;
}

}  // namespace moe_layer
