// tutti-sim: questions about runs on simulated fabrics.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "explain.hpp"
#include "report.hpp"
#include "what_if.hpp"

namespace {

// What a subcommand that measures takes beside its own options: OP and those of tutti-perf.
class Measurement {
 public:
  // `outputs`: options of tutti-perf that would name another one, or one that is lost.
  Measurement(CLI::App& app, const char* what_it_prints, std::vector<std::string> outputs)
      : app_(app), prints_(what_it_prints), outputs_(std::move(outputs)) {
    app.allow_extras();
    app.add_option("--fabric", fabric_, "A built-in profile, or a JSON file")->required();
  }

  // Throws CLI::ValidationError for what would be another output.
  std::vector<std::string> arguments() const {
    std::vector<std::string> words = app_.remaining();
    for (const std::string& word : words) {
      const auto names = [&word](const std::string& output) { return word.starts_with(output); };
      if (std::ranges::any_of(outputs_, names)) {
        throw CLI::ValidationError(word, app_.get_name() + " " + prints_);
      }
    }
    words.insert(words.end(), {"--fabric", fabric_});
    return words;
  }

 private:
  CLI::App& app_;
  std::string prints_;
  std::vector<std::string> outputs_;
  std::string fabric_;
};

void run(CLI::App& app, int argc, char** argv) {
  app.require_subcommand(1);

  auto* const what_if = app.add_subcommand(
      "what-if",
      "How long an operation would take on a changed fabric: OP and tutti-perf's options");
  Measurement changed(*what_if, "prints a table; tutti-perf writes files",
                      {"-J", "--json", "--trace", "--report"});
  tutti::sim::WhatIf question;
  what_if
      ->add_option("--set", question.settings,
                   "What to change, PATH=VALUE; repeatable: each alone, then all together")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);

  auto* const report = app.add_subcommand(
      "report",
      "A page that shows an operation - ports, ranks, experts, critical path: OP and tutti-perf's "
      "options");
  Measurement pictured(*report, "writes a page, to --out; tutti-perf writes other files",
                       {"-J", "--json", "--report"});
  tutti::sim::PageRequest page{.measurement = {}, .file = "tutti-report.html"};
  report->add_option("--out", page.file, "The page; default: tutti-report.html");

  auto* const explain = app.add_subcommand(
      "explain", "Why the library chooses the algorithm that it does: all that could run a call");
  tutti::sim::Explanation why;
  std::string nodes;
  explain->add_option("--fabric", why.fabric.name, "A built-in profile, or a JSON file")
      ->required();
  explain->add_option("--ranks", why.ranks, "Ranks of the communicator")->required();
  explain->add_option("--op", why.op, "all_reduce, all_to_all, ..: as tutti-perf has them")
      ->required();
  explain->add_option("--bytes", why.bytes, "What -b says to tutti-perf: 8, 4K, 1M")->required();
  explain->add_option("--per", why.fabric.per, "What a rank is: die, package, gpu, ...");
  explain->add_option("--nodes", nodes, "Nodes to fill with ranks, in this order: 0,2,5-7");
  explain
      ->add_option("--set", why.fabric.settings,
                   "Change a field of the profile: PATH=VALUE; repeatable")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);

  app.parse(argc, argv);
  if (what_if->parsed()) {
    question.measurement = changed.arguments();
    tutti::sim::what_if(question);
  } else if (report->parsed()) {
    page.measurement = pictured.arguments();
    tutti::sim::report(page);
  } else {
    if (!nodes.empty()) why.fabric.nodes = tutti::perf::parse_nodes(nodes);
    tutti::sim::explain(why);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Questions about runs on simulated fabrics", "tutti-sim");
  try {
    run(app, argc, argv);
    return 0;
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "tutti-sim: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tutti-sim: {}\n", error.what());
    return 1;
  }
}
