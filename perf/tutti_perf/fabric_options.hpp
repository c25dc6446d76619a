// Options of a run on a simulated fabric (--fabric), and what they mean for tutti/sim.h.
#pragma once

#include <tutti/sim.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace tutti::perf {

struct FabricOptions {
  std::string name;        // a built-in profile, or a file; empty: no simulation
  std::string per;         // what a rank is; empty: the profile's first
  std::vector<int> nodes;  // empty: from node 0 on
  std::string level = "message";
  int cell_bytes = 0;                 // 0: the library's choice
  std::vector<std::string> settings;  // PATH=VALUE
  std::uint64_t reorder_seed = 0;
  int jitter_percent = -1;  // -1: the profile's
  std::uint64_t jitter_seed = 1;
  bool timing_only = false;  // payload takes time, and is neither moved nor backed by memory
  std::string trace;         // a file; empty: none

  bool given() const { return !name.empty(); }
};

// `nodes`: what parse_nodes() reads, "0,2,5-7". `ranks`: what they are, for the help. All that take
// a value are in kFabricOptionsWithValue.
void add_fabric_options(CLI::App& app, FabricOptions& options, std::string& nodes,
                        const std::string& ranks = "fibres");
inline constexpr std::string_view kFabricOptionsWithValue[] = {
    "--fabric", "--per",          "--nodes",  "--level",       "--cell-bytes",
    "--set",    "--reorder-seed", "--jitter", "--jitter-seed", "--trace"};
// Throws std::invalid_argument.
std::vector<int> parse_nodes(const std::string& text);

// `settings` of the options as C strings; both outlive the configuration.
tuttiSimConfig_t sim_config(const FabricOptions& options, std::vector<const char*>& settings);

}  // namespace tutti::perf
