// Typed reads of environment variables. An unset or empty variable gives the default; a malformed
// one is tuttiInvalidArgument with its name, its value and what was expected. docs/environment.md
// lists all.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace tutti {

std::optional<std::string> env_string(const char* name);

// A decimal number in [min, max].
std::int64_t env_int(const char* name, std::int64_t fallback, std::int64_t min, std::int64_t max);

template <typename Value>
struct Choice {
  std::string_view text;
  Value value;
};

namespace environment_detail {
bool same_word(std::string_view a, std::string_view b) noexcept;
[[noreturn]] void fail_choice(const char* name, std::string_view value, std::string_view expected);
}  // namespace environment_detail

// One of a few words, in any case: env_choice("TUTTI_CHECK", Check::kFast, {{"fast", Check::kFast},
// ...}).
template <typename Value>
Value env_choice(const char* name, Value fallback, std::initializer_list<Choice<Value>> choices) {
  const std::optional<std::string> text = env_string(name);
  if (!text) return fallback;
  std::string expected;
  for (const Choice<Value>& choice : choices) {
    if (environment_detail::same_word(*text, choice.text)) return choice.value;
    expected += (expected.empty() ? "" : ", ");
    expected += choice.text;
  }
  environment_detail::fail_choice(name, *text, expected);
}

}  // namespace tutti
