// See the header.
#include "signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <initializer_list>

#include "base/error.hpp"

namespace tutti::launcher {

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2})
    sigaddset(&set, signal);
  return set;
}

void block_signals() {
  const sigset_t set = handled_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // whoever started us may have ignored it, and then nothing is told
}

void restore_signals() {
  const sigset_t set = handled_signals();
  ::signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

Descriptor open_signals() {
  const sigset_t set = handled_signals();
  Descriptor descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor) fail_system("signalfd");
  return descriptor;
}

std::vector<int> take_signals(const Descriptor& signals) {
  std::vector<int> taken;
  signalfd_siginfo info;
  while (::read(signals.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    taken.push_back(static_cast<int>(info.ssi_signo));
  }
  return taken;
}

}  // namespace tutti::launcher
