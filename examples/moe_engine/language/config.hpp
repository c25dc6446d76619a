// What the model is like: the configuration in its file's header.
#pragma once

#include <cstddef>

#include "../safetensors/safetensors.hpp"

namespace moe_engine {

struct ModelConfig {
  std::size_t vocab = 0;  // 256: its tokens are bytes
  std::size_t dim = 0;
  std::size_t layers = 0;
  std::size_t heads = 0;
  std::size_t experts = 0;
  std::size_t top_k = 0;
  std::size_t expert_ffn = 0;
  std::size_t shared_ffn = 0;
  std::size_t context = 0;
  double rope_theta = 0;
  double norm_eps = 0;

  std::size_t head_size() const { return dim / heads; }
};

// From `__metadata__`, `config`; FileError naming a field that is missing or out of range.
ModelConfig read_config(const Safetensors& file);

}  // namespace moe_engine
