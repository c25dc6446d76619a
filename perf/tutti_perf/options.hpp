// The command line of tutti-perf: nccl-tests' options, and those that ranks on CPUs need.
#pragma once

#include <tutti/tutti.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "perf/common/sizes.hpp"
#include "perf/tutti_perf/fabric_options.hpp"

namespace tutti::perf {

enum class RowType { kBf16, kFp32, kInt8, kFp8 };

struct MoeOptions {
  int tokens = 128;  // per rank
  int hidden = 7168;
  int topk = 8;
  int experts = 64;
  std::string layout = "token";
  std::string rows_per = "rank";
  std::string dispatch_type = "bf16";
  std::string combine_type = "bf16";
  std::string routing = "uniform";
};

struct P2pOptions {
  bool put = true;
  bool view = true;
};

struct Options {
  std::string word;               // the operation as it was asked for: one, "all", or "p2p"
  std::vector<Op> ops;            // never empty, but for p2p
  std::optional<P2pOptions> p2p;  // between pairs of ranks
  int ranks = 0;                  // 0: join the launcher's world
  bool threads = false;
  bool pin = true;
  Sweep sweep{.begin_bytes = 8, .end_bytes = std::size_t{32} << 20, .factor = 2};
  int samples = 20;
  int warmup = 5;
  bool check = true;
  std::vector<tuttiDataType_t> types{tuttiFloat32};
  std::vector<tuttiRedOp_t> redops{tuttiSum};
  int root = 0;
  std::string json_path;  // empty: none; "-": stdout
  bool latency = false;   // a barrier between iterations
  bool symmetric = true;  // tuttiMemAlloc + window, or malloc
  std::string algorithm;  // empty: the library chooses
  std::string transport;  // empty: the library chooses
  std::uint64_t seed = 1;
  MoeOptions moe;
  FabricOptions fabric;

  const char* mode() const { return latency ? "latency" : "throughput"; }
  const char* buffers() const { return symmetric ? "symmetric" : "plain"; }
};

// What to print and to exit with instead of running: help, or a wrong option.
struct OptionsExit {
  int code;  // 0 for help
  std::string text;
};

// Throws OptionsExit.
Options parse_options(int argc, const char* const* argv);

// "float", "half", "fp8_e4m3", ... and the names that results carry; throw std::invalid_argument.
tuttiDataType_t parse_data_type(const std::string& name);
tuttiRedOp_t parse_redop(const std::string& name);

}  // namespace tutti::perf
