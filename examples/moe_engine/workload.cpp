#include "workload.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace moe_engine {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// expected.json, which lies beside the model.
class Expected {
 public:
  explicit Expected(const std::filesystem::path& model)
      : folder_(model.parent_path()), path_(folder_ / "expected.json") {
    checked([&] { values_ = nlohmann::json::parse(read_text(path_)); });
  }

  void add_prompts(std::vector<Request>& requests) const {
    checked([&] {
      for (const auto& prompt : values_.at("prompts")) {
        requests.push_back({.prompt = prompt.at("prompt"),
                            .new_tokens = number(prompt, "tokens"),
                            .next = {},
                            .expected = prompt.at("continuation")});
      }
    });
  }

  // Windows of `context` bytes; what follows each of their bytes is the text, one byte further.
  std::size_t add_windows(std::size_t wanted, std::size_t context,
                          std::vector<Request>& requests) const {
    std::string text;
    std::size_t windows = wanted;
    checked([&] {
      text = read_text(folder_ / std::string(values_.at("held_text")));
      if (windows == 0) windows = number(values_, "held_windows");
    });
    const std::size_t there = text.empty() ? 0 : (text.size() - 1) / context;
    if (windows > there) {
      throw UsageError("--windows " + std::to_string(windows) + ": the text has " +
                       std::to_string(there) + " of " + std::to_string(context) + " bytes");
    }
    for (std::size_t i = 0; i < windows; ++i) {
      requests.push_back({.prompt = text.substr(i * context, context),
                          .new_tokens = 0,
                          .next = text.substr(i * context + 1, context),
                          .expected = {}});
    }
    return windows;
  }

  // Of the first `windows` windows, if it is they that are expected.
  std::optional<double> bits(std::size_t windows) const {
    std::optional<double> bits;
    checked([&] {
      if (number(values_, "held_windows") == windows) bits = values_.at("bits_per_byte");
    });
    return bits;
  }

 private:
  std::size_t number(const nlohmann::json& object, const char* key) const {
    const auto& value = object.at(key);
    if (!value.is_number_unsigned() || value == 0) {
      throw std::runtime_error(path_.string() + ": " + key + " is " + value.dump() +
                               ", expected a number above 0");
    }
    return value;
  }

  template <typename F>
  void checked(F body) const {
    try {
      body();
    } catch (const nlohmann::json::exception& error) {
      throw std::runtime_error(path_.string() + ": " + error.what());
    }
  }

  std::filesystem::path folder_, path_;
  nlohmann::json values_;
};

void check_prompts(const std::vector<Request>& requests, std::size_t options, std::size_t context) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::size_t size = requests[i].prompt.size();
    if (size > 0 && size <= context) continue;
    const std::string prompt =
        i < options ? "--prompt number " + std::to_string(i + 1)
                    : "prompt " + std::to_string(i - options + 1) + " of expected.json";
    throw UsageError(prompt + (size == 0
                                   ? " is empty"
                                   : " has " + std::to_string(size) +
                                         " bytes, which are more than the model's context of " +
                                         std::to_string(context)));
  }
}

}  // namespace

Workload make_workload(const Options& options, const ModelConfig& config) {
  Workload work;
  for (const std::string& prompt : options.prompts) {
    work.requests.push_back(
        {.prompt = prompt, .new_tokens = options.tokens, .next = {}, .expected = {}});
  }
  if (options.check) Expected(options.model).add_prompts(work.requests);
  check_prompts(work.requests, options.prompts.size(), config.context);
  const std::size_t prompts = work.requests.size();
  if (options.requests > 0 && prompts > 0) {
    work.requests.reserve(std::max(options.requests, prompts));
    for (std::size_t i = prompts; i < options.requests; ++i) {
      work.requests.push_back(work.requests[i % prompts]);
    }
    work.requests.resize(options.requests);
  }
  if (options.evaluate) {
    const Expected expected(options.model);
    work.expected_bits =
        expected.bits(expected.add_windows(options.windows, config.context, work.requests));
  }
  if (work.requests.empty()) {
    throw UsageError("nothing to do: --prompt, --check or --evaluate says what");
  }
  return work;
}

}  // namespace moe_engine
