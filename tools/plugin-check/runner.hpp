// Runs a check in a process of its own, so that a plugin that crashes or hangs fails that check
// only.
#pragma once

#include <string>

#include "check.hpp"

namespace tutti::plugin_check {

struct Result {
  bool holds = false;
  std::string text;  // a note, or why not
};

// `file`: of the plugin, which that process loads.
Result run(const Check& check, const std::string& file);

// Can the plugin be loaded, and is its table one? The note is its name.
Result check_table(const std::string& file);

}  // namespace tutti::plugin_check
