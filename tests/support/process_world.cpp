#include "tests/support/process_world.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

namespace tutti::test {

namespace {

constexpr int kNotWaited = -2000;

[[noreturn]] void run_rank(int rank, int ranks, const tuttiUniqueId& id, int timeout_ms,
                           std::atomic<int>& joined, const ProcessWorld::Body& body) {
  tuttiConfig_t config = TUTTI_CONFIG_INITIALIZER;
  config.timeout_ms = timeout_ms;
  tuttiComm_t comm = nullptr;
  if (tuttiCommInitRankConfig(&comm, ranks, id, rank, &config) != tuttiSuccess) {
    std::fprintf(stderr, "rank %d: %s\n", rank, tuttiGetLastError(nullptr));
    ::_exit(99);
  }
  joined.fetch_add(1);
  const int status = body(rank, comm);
  std::fflush(nullptr);
  ::_exit(status);
}

}  // namespace

ProcessWorld::ProcessWorld(int ranks, int timeout_ms, const Body& body)
    : joined_(static_cast<std::atomic<int>*>(
          ::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))),
      ends_(static_cast<std::size_t>(ranks), kNotWaited) {
  tuttiUniqueId id;
  if (tuttiGetUniqueId(&id) != tuttiSuccess) std::abort();
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t pid = ::fork();
    if (pid == 0) run_rank(rank, ranks, id, timeout_ms, *joined_, body);
    pids_.push_back(pid);
  }
}

ProcessWorld::~ProcessWorld() {
  for (std::size_t rank = 0; rank < pids_.size(); ++rank) {
    if (ends_[rank] != kNotWaited) continue;
    ::kill(pids_[rank], SIGKILL);
    ::waitpid(pids_[rank], nullptr, 0);
  }
  ::munmap(joined_, sizeof(int));
}

bool ProcessWorld::await_joined(std::chrono::milliseconds deadline) const {
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (joined_->load() < static_cast<int>(pids_.size())) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

void ProcessWorld::kill(int rank, int signal) const { ::kill(pid(rank), signal); }

int ProcessWorld::wait(int rank, std::chrono::milliseconds deadline) {
  int& end = ends_[static_cast<std::size_t>(rank)];
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (end == kNotWaited) {
    int status = 0;
    if (::waitpid(pid(rank), &status, WNOHANG) == pid(rank)) {
      end = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    } else if (std::chrono::steady_clock::now() > until) {
      return kStillRunning;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  return end;
}

}  // namespace tutti::test
