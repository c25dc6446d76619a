// The options of a peer program: those of tutti-perf that mean something to a peer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "perf/common/sizes.hpp"

namespace tutti::perf {

struct PeerOptions {
  Op op = Op::kAllReduce;
  Sweep sweep;
  int samples = 20;
  int warmup = 5;
  bool check = true;
  bool barrier_between = false;  // --mode latency
  std::string json_path;         // empty: no report; "-": stdout
  int local_ranks = 0;           // of a program that starts its own ranks
  int tokens = 128;
  int hidden = 7168;
  int topk = 8;
  int experts = 64;
  std::string layout = "token";
  std::string rows_per = "rank";
  std::string routing = "uniform";
  std::uint64_t seed = 1;
};

// Empty where the command line was wrong or asked for help: the text is printed (by rank 0 only
// when `quiet` is false on it alone) and `exit_code` set.
std::optional<PeerOptions> parse_options(int argc, char** argv, bool quiet, int& exit_code);

}  // namespace tutti::perf
