// tutti-sim report: an operation on a simulated fabric, as a page for a browser.
#pragma once

#include <string>
#include <vector>

namespace tutti::sim {

struct PageRequest {
  std::vector<std::string> measurement;  // tutti-perf's arguments, but for --report
  std::string file;
};

// Measures, writes the page and says on standard output where it is and what took how long. Unless
// the arguments say otherwise, one iteration behind one that warms up: a page shows the last one.
// Throws tutti::Error.
void report(const PageRequest& request);

}  // namespace tutti::sim
