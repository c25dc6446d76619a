// tutti-raw: how fast two cores of this machine can exchange flags and bytes, without any library.
// The limit that tutti-perf's times are compared with.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "perf/common/machine.hpp"
#include "perf/common/statistics.hpp"
#include "perf/raw/kernels.hpp"
#include "perf/raw/loops.hpp"

namespace tutti::raw {
namespace {

double now_us() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::micro>(now).count();
}

double timed_run_us(Side& side, const Loop& loop, std::size_t iterations) {
  side.exchange();
  const double start = now_us();
  loop.run(side, iterations);
  return now_us() - start;
}

// Iterations that make a sample long enough, agreed by both sides: rank 0's clock decides. The best
// of three, so that one interruption is not taken for a slow loop.
std::size_t find_batch(Side& side, const Loop& loop) {
  loop.run(side, 2);  // faults the pages in and maps them
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
  const double end = now_us() + seconds * 1e6;
  std::size_t samples = 0;
  do {
    const double sample = timed_run_us(side, loop, batch);
    side.mine().sample_us[samples++] = sample / static_cast<double>(batch);
    if (side.rank() == 0) side.mine().go_on = samples < kMaxSamples && now_us() < end;
    side.exchange();
  } while (side.of(0).go_on != 0);
  return samples;
}

nlohmann::json row_of(const Loop& loop, const Side& side, std::size_t samples) {
  std::vector<double> times(side.of(0).sample_us, side.of(0).sample_us + samples);
  times.insert(times.end(), side.of(1).sample_us, side.of(1).sample_us + samples);
  const perf::Statistics spread = perf::summarize(times, 2);
  return {{"op", loop.op},
          {"variant", loop.variant},
          {"bytes", loop.bytes},
          {"samples", samples},
          {"batch", side.of(0).batch},
          {"time_us",
           {{"min", spread.min},
            {"p50", spread.p50},
            {"avg", spread.avg},
            {"p99", spread.p99},
            {"max", spread.max}}}};
}

void print_head(const Cores& cores, std::FILE* out) {
  fmt::print(out,
             "# raw loops, 2 processes on CPUs {} and {}, {}; times in us, the slower rank's\n",
             cores.first, cores.second, kernel_target());
  fmt::print(out, "# {:<26} {:>8} {:<24} {:>9} {:>9} {:>9}\n", "op", "bytes", "variant", "min",
             "p50", "p99");
}

void print_row(const nlohmann::json& row, std::FILE* out) {
  const auto& time = row.at("time_us");
  fmt::print(out, "  {:<26} {:>8} {:<24} {:>9.3f} {:>9.3f} {:>9.3f}\n",
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
  CLI::App app("Raw two-core limits: flags, copies and sums over shared memory");
  double seconds = 0.3;
  std::string json_file, only;
  app.add_option("--seconds", seconds, "Time per loop")->check(CLI::Range(0.001, 60.0));
  app.add_option("--only", only, "Only operations whose name contains this");
  app.add_option("-J,--json", json_file, "Write JSON to this file; - is stdout");
  CLI11_PARSE(app, argc, argv);

  std::vector<Loop> loops = collective_loops();
  for (Loop& loop : moe_loops()) loops.push_back(std::move(loop));
  std::erase_if(loops, [&](const Loop& loop) { return loop.op.find(only) == std::string::npos; });
  if (loops.empty()) throw std::runtime_error("no raw loop has '" + only + "' in its name");

  const Cores cores = pick_cores();
  std::FILE* text = json_file == "-" ? stderr : stdout;
  nlohmann::json rows = nlohmann::json::array();
  print_head(cores, text);
  std::fflush(text);
  run_pair(cores, [&](Side& side) {
    for (const Loop& loop : loops) {
      const std::size_t samples = measure(side, loop, seconds);
      if (side.rank() != 0) continue;
      rows.push_back(row_of(loop, side, samples));
      print_row(rows.back(), text);
    }
  });
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
