// tutti-run: starts a program as N ranks on this machine. Exit codes: options.hpp.
#include <fmt/format.h>

#include <exception>
#include <utility>

#include "guard.hpp"
#include "options.hpp"
#include "supervisor.hpp"

int main(int argc, char** argv) {
  using namespace tutti::launcher;
  try {
    const Parsed parsed = parse(argc, argv);
    if (!parsed.options) return parsed.exit_code;
    return run_guarded([&](tutti::Descriptor guard_alive) {
      return Supervisor(*parsed.options, std::move(guard_alive)).run();
    });
  } catch (const std::exception& error) {
    fmt::print(stderr, "tutti-run: {}\n", error.what());
    return kLauncherFailed;
  }
}
