#include "bootstrap/launchers/pod.hpp"

#include <charconv>

namespace tutti {

std::optional<Pod> pod_of(std::string_view host_name) {
  host_name = host_name.substr(0, host_name.find('.'));
  const auto dash = host_name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  const std::string_view digits = host_name.substr(dash + 1);
  int ordinal = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
  const bool number = error == std::errc{} && end == digits.data() + digits.size();
  if (!number || ordinal < 0 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  return Pod{std::string(host_name.substr(0, dash)), ordinal};
}

}  // namespace tutti
