#include "bootstrap/launchers/variables.hpp"

#include <algorithm>
#include <charconv>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "bootstrap/meeting_wire.hpp"

namespace tutti {

namespace {

int number_of_variable(const char* name, const std::string& text, int least, int most) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most) {
    fail(tuttiInvalidUsage, "{}='{}': expected a number from {} to {}", name, text, least, most);
  }
  return number;
}

}  // namespace

bool all_set(std::initializer_list<const char*> names) {
  return std::all_of(names.begin(), names.end(),
                     [](const char* name) { return env_string(name).has_value(); });
}

std::string require_variable(std::string_view launcher, const char* name) {
  auto value = env_string(name);
  if (!value) {
    fail(tuttiInvalidUsage, "{}: the environment variable {} is not set", launcher, name);
  }
  return *std::move(value);
}

int require_number(std::string_view launcher, const char* name, int least, int most) {
  return number_of_variable(name, require_variable(launcher, name), least, most);
}

std::optional<int> number_if_set(const char* name, int least, int most) {
  const auto text = env_string(name);
  if (!text) return std::nullopt;
  return number_of_variable(name, *text, least, most);
}

RankAndSize require_rank(std::string_view launcher, const char* rank, const char* ranks) {
  RankAndSize result;
  result.ranks = require_number(launcher, ranks, 1, static_cast<int>(wire::kMostRanks));
  result.rank = require_number(launcher, rank, 0, result.ranks - 1);
  return result;
}

std::string quote_variables(std::initializer_list<const char*> names) {
  std::string text;
  for (const char* name : names) {
    const auto value = env_string(name);
    if (!value) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, *value);
  }
  return text;
}

}  // namespace tutti
