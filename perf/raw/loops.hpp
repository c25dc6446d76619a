// The raw loops: what two ranks must at least do for an operation, with a barrier before and after.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "perf/raw/pair.hpp"

namespace tutti::raw {

struct Loop {
  std::string op;       // tutti-perf's name, or "flag_exchange"
  std::string variant;  // several ways to do the same; the fastest one is the limit
  std::size_t bytes;    // all_to_all: per pair; moe: of one row; tcp_exchange: each way
  // Runs on both sides at once, `iterations` times.
  std::function<void(Side&, std::size_t iterations)> run;
  // Not timed, before each timed iteration: the other half of an engine's step, which leaves the
  // caches as an engine finds them.
  std::function<void(Side&)> before = {};
  bool by_kernel = false;  // reads the other process's memory by system calls
};

inline float* floats(std::byte* bytes) { return reinterpret_cast<float*>(bytes); }

std::vector<Loop> collective_loops();
// The same operations on memory that only its own process maps.
std::vector<Loop> plain_loops();
std::vector<Loop> moe_loops();
// Over a TCP connection instead of memory.
std::vector<Loop> tcp_loops();

}  // namespace tutti::raw
