// One run of tutti-perf on a simulated fabric: what it was asked for and the rows of its report.
#pragma once

#include <string>
#include <vector>

namespace tutti::sim {

struct MeasuredRow {
  std::string what;    // "dispatch 458752 B"
  double mean_us = 0;  // over ranks
  double max_us = 0;   // of the slowest rank
};

// Runs tutti-perf, which lies beside this program, with these arguments; what it says on stderr
// goes there. Throws tutti::Error, with the report's sentence where there is one, when it fails.
std::vector<MeasuredRow> measure(const std::vector<std::string>& arguments);

}  // namespace tutti::sim
