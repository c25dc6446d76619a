// One demand on a plugin, and how it is told that it does not hold.
#pragma once

#include <fmt/format.h>

#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "transports/plugin/plugin_library.hpp"

namespace tutti::plugin_check {

using plugin::Plugin;

struct Check {
  const char* name;
  const char* what;  // a sentence for --list
  // In a process of its own. Returns what is worth a note, mostly nothing; throws Failed.
  std::string (*run)(const Plugin& plugin);
};

std::span<const Check> message_checks();
std::span<const Check> life_checks();
std::span<const Check> collective_checks();

class Failed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename... Args>
[[noreturn]] void failed(fmt::format_string<Args...> text, Args&&... args) {
  throw Failed(fmt::format(text, std::forward<Args>(args)...));
}

template <typename... Args>
void expect(bool holds, fmt::format_string<Args...> otherwise, Args&&... args) {
  if (!holds) failed(otherwise, std::forward<Args>(args)...);
}

}  // namespace tutti::plugin_check
