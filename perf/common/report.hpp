// The report of one run: the JSON of schema 1 and the table of nccl-tests' columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "perf/common/machine.hpp"
#include "perf/common/statistics.hpp"

namespace tutti::perf {

struct MoeRow {
  int tokens = 0;
  int hidden = 0;
  int topk = 0;
  int experts = 0;
  std::string layout{};         // "token" or "expert"
  std::string rows_per{};       // "rank" or "lane"
  std::string dispatch_type{};  // "bf16", ...
  std::string combine_type{};
  std::string routing{};
  std::uint64_t seed = 0;
  std::size_t rows_sent = 0;      // of all ranks, own rows included
  std::size_t logical_bytes = 0;  // one row per (token, lane)
  std::size_t wire_bytes = 0;     // that left their rank
};

struct Row {
  std::optional<std::string> op{};  // only in a report of several operations
  std::size_t bytes = 0;
  std::size_t per_peer_bytes = 0;
  std::size_t count = 0;
  std::string type = "float";
  std::optional<std::string> redop{};
  std::string buffers = "plain";
  std::string placement = "out";
  std::string mode = "throughput";
  std::optional<std::string> phase{};
  std::optional<MoeRow> moe{};
  std::string algorithm{};  // empty: not known, null in JSON
  std::size_t iters = 0;    // samples
  std::size_t batch = 1;    // iterations in a sample
  bool oversubscribed = false;
  std::optional<double> bound_us{};
  Statistics time_us{};
  double algbw = 0;  // GB/s
  double busbw = 0;
  std::optional<std::size_t> wrong{};  // empty with -c 0
};

struct RunError {
  int code = 0;
  std::string message{};
  std::vector<int> culprits{};
};

// What a run on a simulated fabric was like: tuttiSimResult_t, and what it took to run it.
struct SimulationFacts {
  std::string per{};  // what a rank is; empty: the profile's first
  std::string level{};
  bool timing_only = false;
  std::vector<std::string> settings{};
  std::uint64_t arrivals_digest = 0;
  std::uint64_t payload_digest = 0;
  double end_us = 0;  // virtual, of the whole run
  double bound_us = 0;
  std::uint64_t transfers = 0;
  std::uint64_t bytes = 0;
  std::uint64_t events = 0;
  double wall_s = 0;
  std::size_t peak_resident_bytes = 0;  // of the whole program
  std::optional<RunError> error{};

  double events_per_second() const { return wall_s > 0 ? static_cast<double>(events) / wall_s : 0; }
};

struct Report {
  std::optional<std::string> tutti{};  // version; empty in a peer's report
  std::optional<std::string> peer{};   // "openmpi", ...; empty in Tutti's report
  std::optional<std::string> peer_version{};
  std::optional<std::string> commit{};
  std::string op{};
  int ranks = 0;
  std::optional<int> rank{};  // of this process, where it is one of a launcher's world; not written
  std::string rank_kind = "process";
  std::string transport{};
  std::optional<std::string> fabric{};
  std::string clock = "wall";
  std::optional<SimulationFacts> simulation{};
  Machine machine{};
  double startup_ms = 0;
  std::size_t peak_bytes = 0;
  std::optional<RunError> error{};
  std::vector<Row> rows{};
  std::string rows_json{};  // further rows, as to_json(Row) wrote them, separated by commas
};

std::string to_json(const Row& row);
std::string to_json(const Report& report);

// To `path`, or to stdout when it is "-". Throws std::runtime_error when the file cannot be
// written.
void write_json(const Report& report, const std::string& path);

// The table's two heading lines, and one line of it.
std::string table_heading();
std::string table_line(const Row& row);

}  // namespace tutti::perf
