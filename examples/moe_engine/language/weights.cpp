#include "weights.hpp"

#include <algorithm>

#include "tensors.hpp"

namespace moe_engine {
namespace {

// Puts `from` [columns, rows] as [rows, columns] into a matrix whose rows are `stride` apart.
void transpose(const std::vector<float>& from, std::size_t rows, float* to, std::size_t stride) {
  const std::size_t columns = from.size() / rows;
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t r = 0; r < rows; ++r) to[r * stride + c] = from[c * rows + r];
  }
}

class WeightReader {
 public:
  WeightReader(const Safetensors& file, const ModelConfig& config) : file_(file), config_(config) {}

  std::vector<float> vector(const std::string& name) const {
    return widened(file_.bytes_of(file_.tensor(name)));
  }

  // Linear layers are [out, in] in the file; here [in, out].
  std::vector<float> linear(const std::string& name, std::size_t in) const {
    const std::vector<float> from = vector(name);
    std::vector<float> to(from.size());
    transpose(from, in, to.data(), from.size() / in);
    return to;
  }

  example::FeedForwardWeights shared(const std::string& block) const {
    const std::size_t dim = config_.dim, width = config_.shared_ffn;
    example::FeedForwardWeights weights;
    weights.gate_up.resize(dim * 2 * width);
    transpose(vector(block + "s1.weight"), dim, weights.gate_up.data(), 2 * width);
    transpose(vector(block + "s3.weight"), dim, weights.gate_up.data() + width, 2 * width);
    weights.down = linear(block + "s2.weight", width);
    return weights;
  }

  // Experts' matrices are [experts, in, out] in the file.
  example::FeedForwardWeights expert(const std::string& block, std::size_t index) const {
    const std::size_t dim = config_.dim, width = config_.expert_ffn;
    example::FeedForwardWeights weights;
    weights.gate_up.resize(dim * 2 * width);
    const std::vector<float> gate = slice(block + "w1", index), up = slice(block + "w3", index);
    for (std::size_t row = 0; row < dim; ++row) {
      std::copy_n(&gate[row * width], width, &weights.gate_up[row * 2 * width]);
      std::copy_n(&up[row * width], width, &weights.gate_up[row * 2 * width + width]);
    }
    weights.down = slice(block + "w2", index);
    return weights;
  }

 private:
  std::vector<float> slice(const std::string& name, std::size_t index) const {
    const auto bytes = file_.bytes_of(file_.tensor(name));
    const std::size_t each = bytes.size() / config_.experts;
    return widened(bytes.subspan(index * each, each));
  }

  const Safetensors& file_;
  const ModelConfig& config_;
};

}  // namespace

Model::Model(const std::string& path) : file_(read_safetensors(path)) {
  try {
    config_ = read_config(file_);
    check_tensors(file_, config_);
  } catch (const FileError& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

Weights Model::weights(std::span<const int> experts) const {
  const WeightReader reader(file_, config_);
  Weights weights;
  weights.embed = reader.vector("embed.weight");
  for (std::size_t i = 0; i < config_.layers; ++i) {
    const std::string name = block_name(i);
    BlockWeights& block = weights.blocks.emplace_back();
    block.attn_norm = reader.vector(name + "attn_norm.weight");
    block.ffn_norm = reader.vector(name + "ffn_norm.weight");
    block.qkv = reader.linear(name + "wqkv.weight", config_.dim);
    block.wo = reader.linear(name + "wo.weight", config_.dim);
    block.gate = reader.linear(name + "gate.weight", config_.dim);
    block.shared = reader.shared(name);
    for (const int expert : experts) {
      block.experts.push_back(reader.expert(name, static_cast<std::size_t>(expert)));
    }
  }
  weights.norm = reader.vector("norm.weight");
  weights.head = reader.linear("head.weight", config_.dim);
  return weights;
}

}  // namespace moe_engine
