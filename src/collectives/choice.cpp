#include "collectives/choice.hpp"

#include <array>
#include <charconv>
#include <map>
#include <mutex>

namespace tutti {

namespace {

struct NamedAlgorithm {
  Algorithm algorithm;
  const char* name;
  bool groups = false;
};
constexpr std::array<NamedAlgorithm, 12> kNamedAlgorithms = {
    {{Algorithm::kLocal, "local"},
     {Algorithm::kLine, "line"},
     {Algorithm::kAssembly, "assembly"},
     {Algorithm::kOneShot, "one_shot"},
     {Algorithm::kTwoShot, "two_shot"},
     {Algorithm::kExchange, "exchange"},
     {Algorithm::kScatterGather, "scatter_gather"},
     {Algorithm::kOneShotPush, "one_shot_push", true},
     {Algorithm::kTwoShotPush, "two_shot_push", true},
     {Algorithm::kRelay, "relay", true},
     {Algorithm::kExchangePush, "exchange_push", true},
     {Algorithm::kTwoLevel, "two_level", true}}};

const NamedAlgorithm& named(Algorithm algorithm) {
  return kNamedAlgorithms[static_cast<std::size_t>(algorithm)];
}

constexpr bool in_order() {
  for (std::size_t i = 0; i < kNamedAlgorithms.size(); ++i) {
    if (static_cast<std::size_t>(kNamedAlgorithms[i].algorithm) != i) return false;
  }
  return true;
}
static_assert(in_order());

}  // namespace

bool knows_groups(Algorithm algorithm) { return named(algorithm).groups; }

const char* name_of(const AlgorithmChoice& choice) {
  const char* const name = named(choice.algorithm).name;
  if (choice.group == 1) return name;
  // As many as were ever chosen: kept, since their users keep the pointers.
  static std::mutex mutex;
  static std::map<std::pair<Algorithm, int>, std::string> names;
  const std::lock_guard lock(mutex);
  std::string& text = names[{choice.algorithm, choice.group}];
  if (text.empty()) text = std::string(name) + ":" + std::to_string(choice.group);
  return text.c_str();
}

std::optional<AlgorithmChoice> choice_named(std::string_view name) {
  const std::size_t colon = name.find(':');
  const std::string_view group = colon == name.npos ? "" : name.substr(colon + 1);
  for (const NamedAlgorithm& candidate : kNamedAlgorithms) {
    if (name.substr(0, colon) != candidate.name) continue;
    AlgorithmChoice choice{.algorithm = candidate.algorithm};
    if (colon == name.npos) return choice;
    const char* const end = group.data() + group.size();
    const auto [stop, error] = std::from_chars(group.data(), end, choice.group);
    if (!candidate.groups || error != std::errc{} || stop != end || choice.group < 1) break;
    return choice;
  }
  return std::nullopt;
}

std::string choice_names() {
  std::string names;
  for (const NamedAlgorithm& algorithm : kNamedAlgorithms) {
    if (!names.empty()) names += ", ";
    names += algorithm.name;
    if (algorithm.groups) names += "[:GROUP]";
  }
  return names;
}

}  // namespace tutti
