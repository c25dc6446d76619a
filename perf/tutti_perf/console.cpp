#include "perf/tutti_perf/console.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tutti/error.hpp>

#include "perf/tutti_perf/fabric_table.hpp"
#include "perf/tutti_perf/operation.hpp"

namespace tutti::perf {
namespace {

constexpr std::size_t kBarWidth = 30;

std::string wrong_text(const Row& row) {
  return row.wrong ? std::to_string(*row.wrong) : std::string("N/A");
}

std::string wall_columns(const Row& row) {
  const Statistics& t = row.time_us;
  return fmt::format(" {:>9.2f} {:>9.2f} {:>9.2f} {:>7.2f} {:>7.2f} {:>6}", t.min, t.p50, t.p99,
                     row.algbw, row.busbw, wrong_text(row));
}

constexpr const char* kPlacementHeading = "       min       p50       p99   algbw   busbw #wrong";
constexpr const char* kPlacementUnits = "      (us)      (us)      (us)  (GB/s)  (GB/s)       ";

}  // namespace

Console::Console(const Options& options, bool silent, std::size_t rows)
    : out_(silent                     ? nullptr
           : options.json_path == "-" ? stderr
                                      : stdout),
      bar_(!silent && isatty(STDERR_FILENO) == 1),
      simulated_(options.fabric.given()),
      rows_(rows) {}

Console::~Console() { clear_progress(); }

std::string Console::placement_columns(const Row& row) const {
  return simulated_ ? fabric_columns(row) : wall_columns(row);
}

void Console::print_head(const Report& report) {
  if (out_ == nullptr) return;
  if (simulated_) {
    fmt::print(out_, "{}", fabric_head(report));
    return;
  }
  fmt::print(out_, "# tutti {} ({}), ranks: {} ({}), transport {}\n", *report.tutti,
             report.commit.value_or("unknown commit"), report.ranks, report.rank_kind,
             report.transport);
  fmt::print(out_, "# {}, {} cores, Linux {}, {}\n", report.machine.cpu, report.machine.cores,
             report.machine.kernel, report.machine.compiler);
  if (report.ranks > report.machine.cores) {
    fmt::print(out_, "# oversubscribed: {} ranks on {} cores measure the scheduler as well\n",
               report.ranks, report.machine.cores);
  }
}

void Console::begin(Op op, int root) {
  if (out_ == nullptr) return;
  clear_progress();
  root_ = uses_root(op) ? root : -1;
  fmt::print(out_, "#\n# {}\n", op_name(op));
  if (op == Op::kMoe) {
    fmt::print(out_, "{}", simulated_ ? fabric_phase_heading() : table_heading());
  } else {
    fmt::print(out_, "# {:>54}{:^53}{:^53}\n", "", "out-of-place",
               runs_in_place(op) ? "in-place" : "");
    const bool both = runs_in_place(op);
    const char* const heading = simulated_ ? kFabricHeading : kPlacementHeading;
    const char* const units = simulated_ ? kFabricUnits : kPlacementUnits;
    fmt::print(out_, "# {:>11} {:>12} {:>10} {:>6} {:>5}{}{}  algorithm\n", "size", "count", "type",
               "redop", "root", heading, both ? heading : "");
    fmt::print(out_, "# {:>11} {:>12} {:>10} {:>6} {:>5}{}{}\n", "(B)", "(elements)", "", "", "",
               units, both ? units : "");
  }
  std::fflush(out_);
}

void Console::show_progress(const std::string& what) {
  if (!bar_) return;
  const std::size_t filled = rows_ == 0 ? 0 : std::min(kBarWidth, kBarWidth * done_ / rows_);
  fmt::print(stderr, "\r\033[K[{}{}] {}/{} {}", std::string(filled, '#'),
             std::string(kBarWidth - filled, ' '), done_, rows_, what);
  std::fflush(stderr);
}

void Console::clear_progress() {
  if (!bar_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

void Console::print(const Row& out, const std::optional<Row>& in) {
  ++done_;
  busbw_sum_ += out.busbw + (in ? in->busbw : 0);
  busbw_count_ += in ? 2 : 1;
  if (out_ == nullptr) return;
  clear_progress();
  fmt::print(out_, "  {:>11} {:>12} {:>10} {:>6} {:>5}{}{}  {}\n", out.bytes, out.count, out.type,
             out.redop.value_or("none"), root_, placement_columns(out),
             in ? placement_columns(*in) : "", out.algorithm);
  std::fflush(out_);
}

void Console::print_phase(const Row& row) {
  ++done_;
  if (out_ == nullptr) return;
  clear_progress();
  fmt::print(out_, "{}", simulated_ ? fabric_phase_line(row) : table_line(row));
  std::fflush(out_);
}

void Console::begin_pairs() {
  if (out_ != nullptr) fmt::print(out_, "{}", pair_heading());
}

void Console::print_pair(const Row& row) {
  if (out_ != nullptr) fmt::print(out_, "{}", pair_line(row));
}

void Console::print_foot(bool anything_wrong) {
  if (out_ == nullptr) return;
  fmt::print(out_, "#\n# Out of bounds values : {}\n", anything_wrong ? "FAILED" : "OK");
  if (busbw_count_ > 0) {
    fmt::print(out_, "# Avg bus bandwidth    : {:.4g}\n",
               busbw_sum_ / static_cast<double>(busbw_count_));
  }
  finish();
}

void Console::print_facts(const SimulationFacts& facts) {
  if (out_ == nullptr) return;
  fmt::print(out_, "{}", fabric_foot(facts));
  finish();
}

void Console::finish() {
  if (std::fflush(out_) != 0 || std::ferror(out_) != 0) {
    throw Error(tuttiSystemError,
                fmt::format("cannot write the table to standard output: {}", std::strerror(errno)));
  }
}

}  // namespace tutti::perf
