// fork and exec; between them only what POSIX allows in the child of a process with threads.
#include "rank_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "bootstrap/launchers/launch_environment.hpp"
#include "signals.hpp"

namespace tutti::launcher {

namespace {

struct Pipe {
  Descriptor out, in;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail_system("a pipe to a rank");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

std::string_view name_in(std::string_view entry) { return entry.substr(0, entry.find('=')); }

std::vector<std::string> environment_of(const Program& program, int local) {
  const Rank rank = program.first_rank + local;
  std::vector<std::string> result = {
      fmt::format("{}={}", LaunchEnvironment::kRank, rank),
      fmt::format("{}={}", LaunchEnvironment::kWorldSize, program.ranks),
      fmt::format("{}={}", LaunchEnvironment::kLocalRank, local),
      fmt::format("{}={}", LaunchEnvironment::kUniqueId, program.unique_id),
      // Whatever launcher's variables this process inherits itself.
      fmt::format("{}={}", LaunchEnvironment::kBootstrap, LaunchEnvironment::kBootstrapValue)};
  if (program.variable != nullptr) {
    result.push_back(fmt::format("{}={}", program.variable, program.value(rank)));
  }
  std::set<std::string, std::less<>> names;
  for (const std::string& entry : result) names.emplace(name_in(entry));
  const auto add = [&](std::string_view entry) {
    if (names.emplace(name_in(entry)).second) result.emplace_back(entry);
  };
  for (const std::string& entry : program.environment) add(entry);
  for (char** entry = environ; *entry != nullptr; ++entry) add(*entry);
  return result;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (auto& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// All that the child needs, made before the fork.
struct Child {
  char** argv;
  char** environment;
  const rlimit* descriptor_limit;
  pid_t launcher;
  int input, output, errors, report;  // descriptors; -1: inherited
};

[[noreturn]] void become_program(const Child& child) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != child.launcher) ::_exit(0);  // it died before the line above
  if (child.input >= 0) ::dup2(child.input, STDIN_FILENO);
  if (child.output >= 0) ::dup2(child.output, STDOUT_FILENO);
  if (child.errors >= 0) ::dup2(child.errors, STDERR_FILENO);
  ::setrlimit(RLIMIT_NOFILE, child.descriptor_limit);
  restore_signals();
  ::execvpe(child.argv[0], child.argv, child.environment);
  const int cause = errno;
  [[maybe_unused]] const auto written = ::write(child.report, &cause, sizeof(cause));
  ::_exit(127);
}

// `input`: a descriptor; -1: inherited.
RankProcess start(std::vector<std::string> command, std::vector<std::string> environment, int input,
                  bool with_pipes, const rlimit& descriptor_limit) {
  const auto argv = pointers_to(command);
  const auto envp = pointers_to(environment);
  Pipe report = make_pipe(), output, errors;
  if (with_pipes) {
    output = make_pipe();
    errors = make_pipe();
  }
  const Child child{const_cast<char**>(argv.data()),
                    const_cast<char**>(envp.data()),
                    &descriptor_limit,
                    ::getpid(),
                    input,
                    output.in.get(),
                    errors.in.get(),
                    report.in.get()};
  RankProcess started;
  started.pid = ::fork();
  if (started.pid < 0) fail_system("starting '{}'", command[0]);
  if (started.pid == 0) become_program(child);

  report.in.close();
  int cause = 0;
  ssize_t got = 0;
  do {
    got = ::read(report.out.get(), &cause, sizeof(cause));
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof(cause))) {
    started.exec_error = cause;
    ::waitpid(started.pid, nullptr, 0);
  }
  started.output = std::move(output.out);
  started.errors = std::move(errors.out);
  for (const auto* pipe : {&started.output, &started.errors}) {
    if (*pipe) ::fcntl(pipe->get(), F_SETFL, O_NONBLOCK);
  }
  return started;
}

}  // namespace

RankProcess start_rank(const Program& program, int local, bool with_pipes) {
  // A rank in a group of its own would be stopped when it read from a terminal.
  Descriptor nothing;
  if (program.first_rank + local != 0 || !program.reads_input || ::isatty(STDIN_FILENO)) {
    nothing = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing) fail_system("opening /dev/null");
  }
  return start(program.command, environment_of(program, local), nothing.get(), with_pipes,
               program.descriptor_limit);
}

RankProcess start_with_input(std::vector<std::string> command, const Descriptor& input,
                             const rlimit& descriptor_limit) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return start(std::move(command), std::move(environment), input.get(), true, descriptor_limit);
}

}  // namespace tutti::launcher
