#include "tensors.hpp"

#include <cmath>
#include <cstring>

#include "../../common/bf16.hpp"

namespace moe_engine {
namespace {

using example::Bf16;
using Shape = std::vector<std::size_t>;

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const std::size_t extent : shape)
    text += (text.empty() ? "[" : ", ") + std::to_string(extent);
  return text + "]";
}

class TensorCheck {
 public:
  TensorCheck(const Safetensors& file, const ModelConfig& config) : file_(file), config_(config) {}

  void check_all() const {
    const std::size_t dim = config_.dim, experts = config_.experts, width = config_.expert_ffn,
                      shared = config_.shared_ffn;
    check("embed.weight", {config_.vocab, dim});
    for (std::size_t i = 0; i < config_.layers; ++i) {
      const std::string block = block_name(i);
      check(block + "attn_norm.weight", {dim});
      check(block + "ffn_norm.weight", {dim});
      check(block + "wqkv.weight", {3 * dim, dim});
      check(block + "wo.weight", {dim, dim});
      check(block + "gate.weight", {experts, dim});
      check(block + "w1", {experts, dim, width});
      check(block + "w3", {experts, dim, width});
      check(block + "w2", {experts, width, dim});
      check(block + "s1.weight", {shared, dim});
      check(block + "s3.weight", {shared, dim});
      check(block + "s2.weight", {dim, shared});
    }
    check("norm.weight", {dim});
    check("head.weight", {config_.vocab, dim});
  }

 private:
  void check(const std::string& name, const Shape& shape) const {
    const Tensor& tensor = file_.tensor(name);
    if (tensor.type != "BF16") {
      throw FileError(tensor.byte, quoted(name) + ", dtype", tensor.type + ", expected BF16");
    }
    if (tensor.shape != shape) {
      throw FileError(tensor.byte, quoted(name) + ", shape",
                      shape_text(tensor.shape) + ", expected " + shape_text(shape));
    }
    const std::vector<float> values = widened(file_.bytes_of(tensor));
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i])) continue;
      throw FileError(file_.place_of(tensor) + i * sizeof(Bf16), quoted(name),
                      "element " + std::to_string(i) + " is not finite");
    }
  }

  const Safetensors& file_;
  const ModelConfig& config_;
};

}  // namespace

// BF16 values as floats.
std::vector<float> widened(std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / sizeof(Bf16));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Bf16 value;  // at any address
    std::memcpy(&value, &bytes[i * sizeof value], sizeof value);
    values[i] = example::widen(value);
  }
  return values;
}

void check_tensors(const Safetensors& file, const ModelConfig& config) {
  TensorCheck(file, config).check_all();
}

}  // namespace moe_engine
