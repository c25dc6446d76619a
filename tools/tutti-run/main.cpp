// tutti-run: starts a program as N ranks. Exit codes: options.hpp.
#include <fmt/format.h>

#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include "agent.hpp"
#include "base/error.hpp"
#include "binding.hpp"
#include "guard.hpp"
#include "options.hpp"
#include "supervisor.hpp"

int main(int argc, char** argv) {
  using namespace tutti::launcher;
  if (argc == 2 && std::string_view(argv[1]) == "--agent") return run_agent();
  try {
    const Parsed parsed = parse(argc, argv);
    if (!parsed.options) return parsed.exit_code;
    std::vector<ProcessorMask> masks;  // agents have their own
    if (parsed.options->hosts.empty()) {
      masks = bind_ranks(parsed.options->binding, parsed.options->ranks);
    }
    return run_guarded([&](tutti::Descriptor guard_alive) {
      return Supervisor(*parsed.options, std::move(masks), std::move(guard_alive)).run();
    });
  } catch (const tutti::Error& error) {
    fmt::print(stderr, "tutti-run: {}\n", error.what());
    return error.code() == tuttiInvalidArgument ? kBadOptions : kLauncherFailed;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tutti-run: {}\n", error.what());
    return kLauncherFailed;
  }
}
