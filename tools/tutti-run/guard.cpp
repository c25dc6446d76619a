// See the header.
#include "guard.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/error.hpp"
#include "descendants.hpp"
#include "options.hpp"
#include "signals.hpp"

namespace tutti::launcher {

namespace {

// Takes the guard's part until the supervisor has ended; its wait status.
int guard(pid_t supervisor, const sigset_t& signals) {
  for (;;) {
    int status = 0;
    if (::waitpid(supervisor, &status, WNOHANG) == supervisor) return status;
    siginfo_t info{};
    const int signal = ::sigwaitinfo(&signals, &info);
    if (signal > 0 && signal != SIGCHLD) ::kill(supervisor, signal);
  }
}

}  // namespace

int run_guarded(const std::function<int(Descriptor guard_alive)>& supervise) {
  adopt_orphans();
  block_signals();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail_system("a pipe between guard and supervisor");
  Descriptor alive(ends[0]), held(ends[1]);
  const pid_t supervisor = ::fork();
  if (supervisor < 0) fail_system("starting the supervisor");
  if (supervisor == 0) {
    adopt_orphans();  // is not inherited
    // The guard alone is in the terminal's foreground, so that Ctrl-C comes once.
    ::setpgid(0, 0);
    held.close();
    const int code = supervise(std::move(alive));
    std::fflush(nullptr);
    ::_exit(code);
  }
  alive.close();
  const int status = guard(supervisor, handled_signals());
  kill_descendants();
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  fmt::print(stderr, "tutti-run: its supervising process was killed by signal {}\n",
             WTERMSIG(status));
  return kKilledBySignal + WTERMSIG(status);
}

}  // namespace tutti::launcher
