#include "base/environment.hpp"

#include <strings.h>

#include <charconv>
#include <cstdlib>

#include "base/error.hpp"

namespace tutti {

std::optional<std::string> env_string(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::int64_t env_int(const char* name, std::int64_t fallback, std::int64_t min, std::int64_t max) {
  const std::optional<std::string> text = env_string(name);
  if (!text) return fallback;
  std::int64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc{} || stop != end || number < min || number > max)
    fail(tuttiInvalidArgument,
         "environment variable {}=\"{}\": expected a whole number from {} to {}", name, *text, min,
         max);
  return number;
}

namespace environment_detail {

bool same_word(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

void fail_choice(const char* name, std::string_view value, std::string_view expected) {
  fail(tuttiInvalidArgument, "environment variable {}=\"{}\": expected one of {}", name, value,
       expected);
}

}  // namespace environment_detail
}  // namespace tutti
