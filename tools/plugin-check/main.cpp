// tutti-plugin-check: does a transport plugin do what tutti/transport_plugin.h asks?
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "check.hpp"
#include "runner.hpp"

namespace {

using tutti::plugin_check::Check;
using tutti::plugin_check::Result;

// Of the library itself; always the first.
constexpr const char* kTable = "table";

std::vector<Check> all_checks() {
  std::vector<Check> all;
  for (const auto part : {tutti::plugin_check::life_checks(), tutti::plugin_check::message_checks(),
                          tutti::plugin_check::collective_checks()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

std::vector<Check> chosen(const std::vector<std::string>& names) {
  std::vector<Check> all = all_checks();
  for (const std::string& name : names) {
    const auto is_it = [&](const Check& check) { return check.name == name; };
    if (name != kTable && std::ranges::none_of(all, is_it)) {
      throw CLI::ValidationError("--only", "there is no check " + name + "; --list shows all");
    }
  }
  if (names.empty()) return all;
  std::erase_if(
      all, [&](const Check& check) { return std::ranges::find(names, check.name) == names.end(); });
  return all;
}

void print(const char* name, const Result& result) {
  const char* const between = result.text.empty() ? "" : result.holds ? "  " : ": ";
  fmt::print("{:<14} {}{}{}\n", name, result.holds ? "ok" : "FAILED", between, result.text);
  std::fflush(stdout);
}

// Returns how many do not hold.
int run_all(const std::string& file, const std::vector<Check>& checks) {
  const Result table = tutti::plugin_check::check_table(file);
  print(kTable, table);
  if (!table.holds) {
    fmt::print("Nothing else can be checked.\n");
    return 1;
  }
  int failures = 0;
  for (const Check& check : checks) {
    const Result result = tutti::plugin_check::run(check, file);
    print(check.name, result);
    failures += result.holds ? 0 : 1;
  }
  fmt::print("{} checks, {}\n", checks.size() + 1,
             failures == 0 ? "all ok" : fmt::format("{} FAILED", failures));
  return failures;
}

int run(CLI::App& app, int argc, char** argv) {
  std::string file;
  std::vector<std::string> only;
  bool lists = false;
  app.add_option("plugin", file, "The library: a path, or a name that the loader finds");
  app.add_option("--only", only, "A check to run instead of all; repeatable")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--list", lists, "Shows the checks, and runs none");
  app.footer(
      "Each check runs in processes of its own. Exit status: 0 all hold, 1 some do not, 2 wrong\n"
      "arguments. TUTTI_DEBUG=INFO shows what the plugin logs.");
  app.parse(argc, argv);
  const std::vector<Check> checks = chosen(only);
  if (lists) {
    fmt::print("{:<14} {}\n", kTable,
               "the library can be loaded, and its table is one for this host");
    for (const Check& check : checks) fmt::print("{:<14} {}\n", check.name, check.what);
    return 0;
  }
  if (file.empty()) throw CLI::RequiredError("plugin");
  // The loader looks for what has no slash elsewhere only.
  if (std::filesystem::exists(file)) file = std::filesystem::absolute(file);
  return run_all(file, checks) == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Does a transport plugin do what tutti/transport_plugin.h asks?",
               "tutti-plugin-check");
  try {
    return run(app, argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "tutti-plugin-check: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tutti-plugin-check: {}\n", error.what());
    return 1;
  }
}
