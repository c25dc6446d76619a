#include "config.hpp"

#include <tutti/moe.h>

#include <nlohmann/json.hpp>

namespace moe_engine {
namespace {

constexpr std::size_t kMost = 1 << 16;  // of any size: products of two of them fit

class ConfigReader {
 public:
  explicit ConfigReader(const Metadata& text) : byte_(text.byte) {
    try {
      values_ = nlohmann::json::parse(text.text);
    } catch (const nlohmann::json::exception& error) {
      complain("", std::string("not JSON (") + error.what() + ")");
    }
  }

  std::size_t size(const char* name, std::size_t least, std::size_t most) const {
    const auto& value = field(name);
    if (!value.is_number_unsigned() || value < least || value > most) {
      complain(name, value.dump() + " is not in " + std::to_string(least) + " to " +
                         std::to_string(most));
    }
    return value.get<std::size_t>();
  }

  double positive(const char* name) const {
    const auto& value = field(name);
    if (!value.is_number() || !(value.get<double>() > 0)) {
      complain(name, value.dump() + " is not a positive number");
    }
    return value.get<double>();
  }

  [[noreturn]] void complain(const std::string& name, const std::string& complaint) const {
    throw FileError(byte_, "__metadata__, config" + (name.empty() ? "" : ", " + name), complaint);
  }

 private:
  const nlohmann::json& field(const char* name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) complain(name, "is missing");
    return *found;
  }

  std::size_t byte_;
  nlohmann::json values_;
};

}  // namespace

ModelConfig read_config(const Safetensors& file) {
  const ConfigReader reader(file.metadata("config"));
  ModelConfig config;
  config.vocab = reader.size("vocab", 256, 256);
  config.dim = reader.size("dim", 1, kMost);
  config.layers = reader.size("layers", 1, kMost);
  config.heads = reader.size("heads", 1, config.dim);
  config.experts = reader.size("experts", 1, kMost);
  config.top_k = reader.size("top_k", 1, std::min<std::size_t>(config.experts, TUTTI_MOE_MAX_TOPK));
  config.expert_ffn = reader.size("expert_ffn", 1, kMost);
  config.shared_ffn = reader.size("shared_ffn", 1, kMost);
  config.context = reader.size("context", 1, kMost);
  config.rope_theta = reader.positive("rope_theta");
  config.norm_eps = reader.positive("norm_eps");
  if (config.dim % config.heads != 0 || config.head_size() % 2 != 0) {
    reader.complain("heads", std::to_string(config.heads) + " heads do not share " +
                                 std::to_string(config.dim) + " evenly, in pairs");
  }
  return config;
}

}  // namespace moe_engine
