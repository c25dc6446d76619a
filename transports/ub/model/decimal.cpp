#include "transports/ub/model/decimal.hpp"

namespace tutti::ub {

namespace {

constexpr int kDigitsBehindPoint = 9;
constexpr int kLargestExponent = 30;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The front of `text`, removed from it.
std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// The exponent at the front of `text`: 0 where there is none, nothing where it is malformed.
std::optional<int> take_exponent(std::string_view& text) {
  if (!take(text, "eE")) return 0;
  const bool negative = !text.empty() && text.front() == '-';
  take(text, "+-");
  const std::string_view digits = take_digits(text);
  if (digits.empty()) return std::nullopt;
  int exponent = 0;
  for (const char digit : digits) {
    exponent = exponent * 10 + (digit - '0');
    if (exponent > kLargestExponent) return std::nullopt;
  }
  return negative ? -exponent : exponent;
}

bool append_digit(std::int64_t& units, int digit) {
  return !__builtin_mul_overflow(units, std::int64_t{10}, &units) &&
         !__builtin_add_overflow(units, std::int64_t{digit}, &units);
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
  const bool negative = take(text, "-");
  const std::string_view whole = take_digits(text);
  if (whole.empty() || (whole.size() > 1 && whole.front() == '0')) return std::nullopt;
  std::string_view behind;
  if (take(text, ".")) {
    behind = take_digits(text);
    if (behind.empty()) return std::nullopt;
  }
  const std::optional<int> exponent = take_exponent(text);
  if (!exponent || !text.empty()) return std::nullopt;

  // value = digits * 10^shift units
  std::int64_t units = 0;
  int shift = kDigitsBehindPoint + *exponent - static_cast<int>(behind.size());
  for (const std::string_view part : {whole, behind}) {
    for (const char digit : part) {
      if (!append_digit(units, digit - '0')) return std::nullopt;
    }
  }
  for (; shift > 0 && units != 0; --shift) {
    if (!append_digit(units, 0)) return std::nullopt;
  }
  for (; shift < 0 && units != 0; ++shift) {
    if (units % 10 != 0) return std::nullopt;
    units /= 10;
  }
  return Decimal(negative ? -units : units);
}

}  // namespace tutti::ub
