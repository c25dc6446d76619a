// The tensors that a model's file has: their names, types and shapes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "config.hpp"

namespace moe_engine {

// FileError unless every tensor of the configuration is there, BF16, of the right shape and finite.
void check_tensors(const Safetensors& file, const ModelConfig& config);

// BF16 values as floats.
std::vector<float> widened(std::span<const std::byte> bytes);

// What the names of a block's tensors begin with.
inline std::string block_name(std::size_t index) { return "blocks." + std::to_string(index) + "."; }

}  // namespace moe_engine
