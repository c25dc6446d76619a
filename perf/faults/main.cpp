// tutti-faults: how long survivors wait for a rank that was killed, or that gave up.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "perf/faults/trial.hpp"

namespace tutti::faults {
namespace {

struct Case {
  std::string name;
  const Work& work;
  Fault fault;
  State state;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  cases.reserve(kWork.size() + 3);
  for (const Work& work : kWork) {
    cases.push_back({fmt::format("SIGKILL in {}", work.name), work, Fault::kKill, State::kBusy});
  }
  const Work& first = kWork.front();
  cases.push_back({"SIGKILL, others asleep", first, Fault::kKill, State::kWaiting});
  cases.push_back(
      {fmt::format("tuttiCommAbort in {}", first.name), first, Fault::kAbort, State::kBusy});
  cases.push_back({"tuttiCommAbort, others asleep", first, Fault::kAbort, State::kWaiting});
  return cases;
}

void write_json(const std::string& file, const nlohmann::json& report) {
  if (file == "-") {
    std::cout << report.dump(2) << '\n';
    if (!std::cout.flush()) throw std::runtime_error("cannot write the report to stdout");
    return;
  }
  std::ofstream out(file);
  out << report.dump(2) << '\n';
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

int run(int argc, char** argv) {
  CLI::App app(
      "From a fault to the return of the last survivor's call, in ms; ranks are processes");
  int ranks = 8;
  int trials = 10;
  std::string json_file;
  app.add_option("--ranks", ranks, "Local processes")->check(CLI::Range(4, 64));
  app.add_option("--trials", trials, "Of each fault")->check(CLI::Range(1, 1000));
  app.add_option("-J,--json", json_file, "Write JSON to this file; - is stdout");
  CLI11_PARSE(app, argc, argv);

  std::FILE* text = json_file == "-" ? stderr : stdout;
  nlohmann::json report = {{"schema", 1}, {"error", nullptr}, {"ranks", ranks}};
  report["rows"] = nlohmann::json::array();
  fmt::print(text, "# {:<38} {:>9} {:>9}\n", "ms until the last survivor returned", "p50", "max");
  for (const Case& one : all_cases()) {
    std::vector<double> times;
    std::string wrong;
    for (int i = 0; i < trials; ++i) {
      const Trial trial =
          run_trial(one.work, one.fault, one.state, ranks, static_cast<unsigned>(1 + i));
      times.push_back(trial.ms);
      if (!trial.wrong.empty()) wrong = trial.wrong;
    }
    std::sort(times.begin(), times.end());
    const double median = times[times.size() / 2];
    fmt::print(text, "  {:<38} {:>9.2f} {:>9.2f} {}\n", one.name, median, times.back(), wrong);
    std::fflush(text);
    report["rows"].push_back({{"op", one.name},
                              {"trials", trials},
                              {"time_ms", {{"p50", median}, {"max", times.back()}}}});
    if (!wrong.empty()) report["error"] = {{"message", one.name + ": " + wrong}};
  }
  if (!json_file.empty()) write_json(json_file, report);
  return report["error"].is_null() ? 0 : 1;
}

}  // namespace
}  // namespace tutti::faults

int main(int argc, char** argv) {
  try {
    return tutti::faults::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tutti-faults: {}\n", error.what());
    return 1;
  }
}
