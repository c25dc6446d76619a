// A killed child's children become ours, hence killing children until there are none ends the tree.
#include "descendants.hpp"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"

namespace tutti::launcher {

namespace {

constexpr std::chrono::seconds kPatience{10};

// The fourth field of /proc/PID/stat, after a name that may hold spaces and parentheses; -1 when
// the process is gone.
pid_t parent_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= line.size()) return -1;
  pid_t parent = -1;
  std::from_chars(line.data() + name_end + 4, line.data() + line.size(), parent);
  return parent;
}

std::vector<pid_t> children() {
  std::vector<pid_t> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), ::closedir);
  if (!directory) return found;
  while (const dirent* entry = ::readdir(directory.get())) {
    pid_t pid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    const auto [stop, error] = std::from_chars(static_cast<const char*>(entry->d_name), end, pid);
    if (error == std::errc{} && stop == end && parent_of(pid) == ::getpid()) found.push_back(pid);
  }
  return found;
}

// Reaps who has ended; whether children remain.
bool reap() {
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(-1, nullptr, WNOHANG);
  } while (reaped > 0 || (reaped < 0 && errno == EINTR));
  return reaped == 0;
}

}  // namespace

void adopt_orphans() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail_system("adopting orphaned processes");
}

bool kill_descendants() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (reap()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    for (const pid_t child : children()) ::kill(child, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace tutti::launcher
