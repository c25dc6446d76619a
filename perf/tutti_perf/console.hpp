// What a person sees: nccl-tests' table with both placements in a line, and a progress bar while a
// row is being measured.
#pragma once

#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>

#include "perf/common/report.hpp"
#include "perf/tutti_perf/options.hpp"

namespace tutti::perf {

// Belongs to rank 0; on other ranks it is made silent and does nothing.
class Console {
 public:
  // `rows` is how many lines are to come, for the progress bar.
  Console(const Options& options, bool silent, std::size_t rows);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  void print_head(const Report& report);
  // Prints the heading of an operation; collectives and moe have different columns.
  void begin(Op op, int root);
  // What is being measured now, for the progress bar.
  void show_progress(const std::string& what);
  void print(const Row& out, const std::optional<Row>& in);
  void print_phase(const Row& row);
  // Heading and rows of p2p.
  void begin_pairs();
  void print_pair(const Row& row);
  // nccl-tests' closing lines.
  void print_foot(bool anything_wrong);
  // Those below them of a run on a simulated fabric, once it has ended.
  void print_facts(const SimulationFacts& facts);

 private:
  void clear_progress();
  void finish();
  std::string placement_columns(const Row& row) const;

  std::FILE* out_;  // stderr when the JSON report goes to stdout; null when silent
  bool bar_;
  bool simulated_;
  std::size_t rows_, done_ = 0;
  double busbw_sum_ = 0;
  std::size_t busbw_count_ = 0;
  int root_ = -1;
};

}  // namespace tutti::perf
