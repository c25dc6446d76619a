// tutti-sim: questions about runs on simulated fabrics.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "what_if.hpp"

namespace {

int run(int argc, char** argv) {
  CLI::App app("Questions about runs on simulated fabrics", "tutti-sim");
  app.require_subcommand(1);
  std::string fabric;
  tutti::sim::WhatIf question;
  auto* what_if = app.add_subcommand(
      "what-if",
      "How long an operation would take on a changed fabric: OP and tutti-perf's options");
  what_if->allow_extras();
  what_if->add_option("--fabric", fabric, "A built-in profile, or a JSON file")->required();
  what_if
      ->add_option("--set", question.settings,
                   "What to change, PATH=VALUE; repeatable: each alone, then all together")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "tutti-sim: {}\n", error.what());
    return 2;
  }
  question.measurement = what_if->remaining();
  for (const std::string& word : question.measurement) {
    if (word.starts_with("-J") || word.starts_with("--json")) {
      fmt::print(stderr, "tutti-sim: {}: what-if prints a table; tutti-perf writes reports\n",
                 word);
      return 2;
    }
  }
  question.measurement.insert(question.measurement.end(), {"--fabric", fabric});
  tutti::sim::what_if(question);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tutti-sim: {}\n", error.what());
    return 1;
  }
}
