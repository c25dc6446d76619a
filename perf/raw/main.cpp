// tutti-raw: how fast two cores of this machine can exchange flags and bytes, without any library.
// The limit that tutti-perf's times are compared with.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "perf/common/machine.hpp"
#include "perf/common/statistics.hpp"
#include "perf/common/stopwatch.hpp"
#include "perf/raw/crowd.hpp"
#include "perf/raw/kernels.hpp"
#include "perf/raw/loops.hpp"

namespace tutti::raw {
namespace {

double timed_run_us(Side& side, const Loop& loop, std::size_t iterations) {
  if (loop.before) loop.before(side);
  side.exchange();
  const double start = perf::now_us();
  loop.run(side, iterations);
  return perf::now_us() - start;
}

// Iterations that make a sample long enough, agreed by both sides: rank 0's clock decides. The best
// of three, so that one interruption is not taken for a slow loop.
std::size_t find_batch(Side& side, const Loop& loop) {
  loop.run(side, 2);  // faults the pages in and maps them
  if (loop.before) return side.mine().batch = 1;
  for (std::size_t batch = 1;;) {
    double best = timed_run_us(side, loop, batch);
    for (int i = 0; i < 2; ++i) best = std::min(best, timed_run_us(side, loop, batch));
    if (side.rank() == 0) {
      side.mine().batch = best < perf::kMinimumSampleUs ? 2 * batch : batch;
    }
    side.exchange();
    const std::size_t agreed = side.of(0).batch;
    if (agreed == batch) return batch;
    batch = agreed;
  }
}

// Both sides write their times into their segments. Returns the number of samples, which rank 0
// decides.
std::size_t measure(Side& side, const Loop& loop, double seconds) {
  const std::size_t batch = find_batch(side, loop);
  const double end = perf::now_us() + seconds * 1e6;
  std::size_t samples = 0;
  do {
    const double sample = timed_run_us(side, loop, batch);
    side.mine().sample_us[samples++] = sample / static_cast<double>(batch);
    if (side.rank() == 0) side.mine().go_on = samples < kMaxSamples && perf::now_us() < end;
    side.exchange();
  } while (side.of(0).go_on != 0);
  return samples;
}

nlohmann::json row_of(const std::string& op, const std::string& variant, std::size_t bytes,
                      std::size_t batch, const std::vector<double>& times, int ranks) {
  const perf::Statistics spread = perf::summarize(times, ranks);
  return {{"op", op},
          {"variant", variant},
          {"bytes", bytes},
          {"samples", times.size() / static_cast<std::size_t>(ranks)},
          {"batch", batch},
          {"time_us",
           {{"min", spread.min},
            {"p50", spread.p50},
            {"avg", spread.avg},
            {"p99", spread.p99},
            {"max", spread.max}}}};
}

// A sample's time is the slower rank's.
nlohmann::json row_of(const Loop& loop, const Side& side, std::size_t samples) {
  std::vector<double> times(side.of(0).sample_us, side.of(0).sample_us + samples);
  times.insert(times.end(), side.of(1).sample_us, side.of(1).sample_us + samples);
  return row_of(loop.op, loop.variant, loop.bytes, side.of(0).batch, times, 2);
}

nlohmann::json row_of(const Crowd& crowd, double seconds) {
  const CrowdTimes times = run_crowd(crowd, seconds);
  return row_of(crowd.op(), crowd.variant(), 64, times.batch, times.sample_us, crowd.ranks);
}

void print_head(const Cores& cores, std::FILE* out) {
  fmt::print(out,
             "# raw loops, 2 processes on CPUs {} and {} unless said, {}; times in us, the slowest "
             "rank's\n",
             cores.first, cores.second, kernel_target());
  fmt::print(out, "# {:<26} {:>8} {:<38} {:>9} {:>9} {:>9}\n", "op", "bytes", "variant", "min",
             "p50", "p99");
}

void print_row(const nlohmann::json& row, std::FILE* out) {
  const auto& time = row.at("time_us");
  fmt::print(out, "  {:<26} {:>8} {:<38} {:>9.3f} {:>9.3f} {:>9.3f}\n",
             row.at("op").get<std::string>(), row.at("bytes").get<std::size_t>(),
             row.at("variant").get<std::string>(), time.at("min").get<double>(),
             time.at("p50").get<double>(), time.at("p99").get<double>());
  std::fflush(out);
}

void write_json(const std::string& file, const nlohmann::json& report) {
  if (file == "-") {
    std::cout << report.dump(2) << '\n';
    return;
  }
  std::ofstream out(file);
  out << report.dump(2) << '\n';
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

int run(int argc, char** argv) {
  CLI::App app(
      "Raw two-core limits: flags, copies and sums over shared memory, or a TCP connection");
  double seconds = 0.3;
  std::string json_file, only, transport = "shm";
  app.add_option("--seconds", seconds, "Time per loop")->check(CLI::Range(0.001, 60.0));
  app.add_option("--only", only, "Only operations whose name contains this");
  app.add_option("--transport", transport, "What carries the bytes")
      ->check(CLI::IsMember({"shm", "tcp"}))
      ->capture_default_str();
  app.add_option("-J,--json", json_file, "Write JSON to this file; - is stdout");
  CLI11_PARSE(app, argc, argv);

  std::vector<Loop> loops;
  std::vector<Crowd> many;
  if (transport == "tcp") {
    loops = tcp_loops();
  } else {
    loops = collective_loops();
    for (Loop& loop : plain_loops()) loops.push_back(std::move(loop));
    for (Loop& loop : moe_loops()) loops.push_back(std::move(loop));
    many = crowds();
  }
  const auto unwanted = [&](const std::string& op) { return op.find(only) == std::string::npos; };
  std::erase_if(loops, [&](const Loop& loop) { return unwanted(loop.op); });
  std::erase_if(many, [&](const Crowd& crowd) { return unwanted(crowd.op()); });
  if (loops.empty() && many.empty()) {
    throw std::runtime_error("no raw loop has '" + only + "' in its name");
  }

  const Cores cores = pick_cores();
  std::FILE* text = json_file == "-" ? stderr : stdout;
  nlohmann::json rows = nlohmann::json::array();
  print_head(cores, text);
  std::fflush(text);
  // Before this process is pinned to one of the two.
  for (const Crowd& crowd : many) {
    rows.push_back(row_of(crowd, seconds));
    print_row(rows.back(), text);
  }
  if (!loops.empty()) {
    run_pair(cores, [&](Side& side) {
      const bool kernel_copies = side.both_can_read();
      if (side.rank() == 0 && !kernel_copies) {
        fmt::print(text, "# process_vm_readv is refused here: no copies by the kernel\n");
      }
      for (const Loop& loop : loops) {
        if (loop.by_kernel && !kernel_copies) continue;
        const std::size_t samples = measure(side, loop, seconds);
        if (side.rank() != 0) continue;
        rows.push_back(row_of(loop, side, samples));
        print_row(rows.back(), text);
      }
    });
  }
  if (!json_file.empty()) {
    const perf::Machine machine = perf::describe_machine();
    write_json(
        json_file,
        {{"schema", 1},
         {"machine", {{"cpu", machine.cpu}, {"kernel", machine.kernel}, {"flags", machine.flags}}},
         {"cpus", {cores.first, cores.second}},
         {"target", kernel_target()},
         {"rows", rows}});
  }
  return 0;
}

}  // namespace
}  // namespace tutti::raw

int main(int argc, char** argv) {
  try {
    return tutti::raw::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tutti-raw: {}\n", error.what());
    return 1;
  }
}
