#include "runner.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <utility>

#include "base/descriptor.hpp"
#include "base/error.hpp"

namespace tutti::plugin_check {

namespace {

// Checks give up by themselves before that.
constexpr std::chrono::seconds kLongest{60};

using Body = std::function<std::string()>;

[[noreturn]] void run_child(const Body& body, const Descriptor& answer) {
  ::setpgid(0, 0);  // with its own children, for whoever ends it
  std::string text;
  int result = 0;
  try {
    text = body();
  } catch (const std::exception& error) {
    text = error.what();
    result = 1;
  }
  static_cast<void>(::write(answer.get(), text.data(), text.size()));
  std::fflush(nullptr);
  ::_exit(result);
}

// What the process says until it ends, or the time has passed.
std::string listen(const Descriptor& answer, bool& late) {
  const auto end = std::chrono::steady_clock::now() + kLongest;
  std::string text;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd entry{answer.get(), POLLIN, 0};
    late = left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) == 0;
    if (late) return text;
    char part[1024];
    const ssize_t bytes = ::read(answer.get(), part, sizeof(part));
    if (bytes <= 0) return text;
    text.append(part, static_cast<std::size_t>(bytes));
  }
}

Result run_apart(const Body& body) {
  int ends[2];
  if (::pipe(ends) != 0) fail_system("a pipe");
  Descriptor reads(ends[0]);
  Descriptor writes(ends[1]);
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) fail_system("a process for a check");
  if (pid == 0) run_child(body, writes);
  ::setpgid(pid, pid);  // whoever is first
  writes = Descriptor();
  bool late = false;
  std::string text = listen(reads, late);
  if (late) ::kill(-pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  ::kill(-pid, SIGKILL);  // what it has left
  if (late) return {false, fmt::format("it does not end within {} s", kLongest.count())};
  if (WIFSIGNALED(status)) {
    return {false, fmt::format("ended by signal {} ({})", WTERMSIG(status),
                               ::strsignal(WTERMSIG(status)))};
  }
  if (WEXITSTATUS(status) != 0 && text.empty()) text = "the process ended itself";
  return {WEXITSTATUS(status) == 0, std::move(text)};
}

}  // namespace

Result run(const Check& check, const std::string& file) {
  return run_apart([&] { return check.run(plugin::load_plugin(file)); });
}

Result check_table(const std::string& file) {
  return run_apart([&] {
    const Plugin plugin = plugin::load_plugin(file);
    return fmt::format("{}, for hosts of interface version {} to {}", plugin.table->name,
                       plugin.table->min_host_version, plugin.table->max_host_version);
  });
}

}  // namespace tutti::plugin_check
