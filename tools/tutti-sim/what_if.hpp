// tutti-sim what-if: how long operations would take on a changed fabric.
#pragma once

#include <string>
#include <vector>

namespace tutti::sim {

struct WhatIf {
  std::vector<std::string> measurement;  // tutti-perf's arguments, but for --set
  std::vector<std::string> settings;     // PATH=VALUE; at least one
};

// Measures the unchanged fabric, each setting alone and, where there are several, all together, and
// prints a table of the differences. Throws tutti::Error, which names the setting.
void what_if(const WhatIf& question);

}  // namespace tutti::sim
