// fork and exec; between them only what POSIX allows in the child of a process with threads.
#include "rank_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
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

std::vector<std::string> environment_of(const Program& program, Rank rank) {
  std::vector<std::pair<const char*, std::string>> ours = {
      {LaunchEnvironment::kRank, std::to_string(rank)},
      {LaunchEnvironment::kWorldSize, std::to_string(program.ranks)},
      {LaunchEnvironment::kLocalRank, std::to_string(rank)},
      {LaunchEnvironment::kUniqueId, program.unique_id},
      // Whatever launcher's variables this process inherits itself.
      {LaunchEnvironment::kBootstrap, LaunchEnvironment::kBootstrapValue}};
  if (program.variable != nullptr) ours.emplace_back(program.variable, program.value(rank));
  std::vector<std::string> result;
  result.reserve(ours.size());
  for (const auto& [name, value] : ours) result.push_back(fmt::format("{}={}", name, value));
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto name = text.substr(0, text.find('='));
    bool overridden = false;
    for (const auto& variable : ours) overridden |= name == variable.first;
    if (!overridden) result.emplace_back(text);
  }
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

}  // namespace

RankProcess start_rank(const Program& program, Rank rank, bool with_pipes) {
  std::vector<std::string> command = program.command;
  std::vector<std::string> environment = environment_of(program, rank);
  const auto argv = pointers_to(command);
  const auto envp = pointers_to(environment);
  Pipe report = make_pipe(), output, errors;
  if (with_pipes) {
    output = make_pipe();
    errors = make_pipe();
  }
  // A rank in a group of its own would be stopped when it read from a terminal.
  Descriptor nothing;
  if (rank != 0 || ::isatty(STDIN_FILENO)) {
    nothing = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing) fail_system("opening /dev/null");
  }
  const Child child{const_cast<char**>(argv.data()),
                    const_cast<char**>(envp.data()),
                    &program.descriptor_limit,
                    ::getpid(),
                    nothing.get(),
                    output.in.get(),
                    errors.in.get(),
                    report.in.get()};
  RankProcess started;
  started.pid = ::fork();
  if (started.pid < 0) fail_system("starting rank {} of {}", rank, program.ranks);
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

}  // namespace tutti::launcher
