// More processes than cores: what an all_reduce of 64 bytes must at least cost there. All add to
// one counter; the last one sums what they brought and lets the others go on.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tutti::raw {

struct Crowd {
  // How those who are early wait for the last one.
  enum class Wait { kYield, kSleep };  // kSleep: one system call wakes them all

  int ranks;
  Wait wait;

  std::string op() const;
  std::string variant() const;
};

struct CrowdTimes {
  std::vector<double> sample_us;  // [ranks][samples], each of `batch` rounds, divided by that
  std::size_t batch = 1;
};

std::vector<Crowd> crowds();

// Runs the crowd for about `seconds`, rank 0 in this process, nobody pinned. Throws
// std::runtime_error; no child is left behind.
CrowdTimes run_crowd(const Crowd& crowd, double seconds);

}  // namespace tutti::raw
