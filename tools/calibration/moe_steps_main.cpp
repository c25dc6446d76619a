// tutti-moe-steps: predicted times of dispatch and combine for tools/calibrate. A line a point:
// ranks, tokens, mean dispatch and combine in us over ranks; --steps adds when each step ends.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "moe_steps.hpp"

namespace {

using namespace tutti;

struct Options {
  std::string fabric;
  std::vector<std::string> settings;
  std::vector<std::string> points;  // RANKS:TOKENS
  bool steps = false;
  calibration::MoeWorkload work;
};

double us(calibration::Picoseconds time) { return static_cast<double>(time.count()) / 1e6; }

void print_steps(const char* name, const calibration::StepTimes& times) {
  for (const auto& step : times.steps) {
    fmt::print("#   {} {}: mean {:.3f} us, latest {:.3f} us\n", name, step.name, us(step.mean),
               us(step.latest));
  }
}

void run(const Options& options) {
  const ub::Profile profile = ub::load_profile(options.fabric, options.settings);
  for (const std::string& point : options.points) {
    calibration::MoeWorkload work = options.work;
    if (std::sscanf(point.c_str(), "%d:%d", &work.ranks, &work.tokens) != 2) {
      throw CLI::ValidationError("--point", "expected RANKS:TOKENS, found " + point);
    }
    const calibration::MoeTimes times = calibration::moe_times(profile, work);
    if (options.steps) {
      print_steps("dispatch", times.dispatch);
      print_steps("combine", times.combine);
    }
    fmt::print("{} {} {:.6f} {:.6f}\n", work.ranks, work.tokens,
               us(times.dispatch.steps.back().mean), us(times.combine.steps.back().mean));
  }
  if (std::fflush(stdout) != 0) fail_system("writing the times");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Dispatch and combine by their steps, over the fabric model");
  app.add_option("--fabric", options.fabric, "Profile, by name or path")->required();
  app.add_option("--set", options.settings, "PATH=VALUE: changes a field of the profile");
  app.add_option("--point", options.points, "RANKS:TOKENS")->required();
  app.add_option("--top-k", options.work.top_k, "Experts a token")->capture_default_str();
  app.add_option("--experts", options.work.experts, "Experts of all ranks")->capture_default_str();
  app.add_option("--input-bytes", options.work.input_bytes, "Of a token")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  app.add_option("--dispatch-row-bytes", options.work.dispatch_row_bytes, "On the way there")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  app.add_option("--combine-row-bytes", options.work.combine_row_bytes, "On the way back")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  app.add_flag("--quantise", options.work.quantises, "Dispatch quantises");
  app.add_flag("!--no-copy-out", options.work.copies_out, "Dispatch leaves rows where they land");
  app.add_flag("--by-token", options.work.returns_by_token, "Combine returns rows token by token");
  app.add_flag("--steps", options.steps, "Also when each step ends");
  app.add_option("--seed", options.work.seed, "Of the routing")->capture_default_str();
  try {
    app.parse(argc, argv);
    run(options);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const tutti::Error& error) {
    fmt::print(stderr, "tutti-moe-steps: {}\n", error.what());
    return 1;
  }
  return 0;
}
