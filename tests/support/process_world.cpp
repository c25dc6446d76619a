#include "tests/support/process_world.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>

namespace tutti::test {

namespace {

constexpr int kNotWaited = -2000;
constexpr auto kNap = std::chrono::microseconds(200);

// Memory that children made by fork() share with this process.
template <typename T>
T* map_shared() {
  void* memory =
      ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return new (memory) T{};
}

}  // namespace

MeetingPoint::MeetingPoint() : arrived_(map_shared<std::atomic<int>>()) {}
MeetingPoint::~MeetingPoint() { ::munmap(arrived_, sizeof(*arrived_)); }

void MeetingPoint::meet(int ranks) {
  arrived_->fetch_add(1);
  while (arrived() < ranks) std::this_thread::sleep_for(kNap);
}

struct ProcessWorld::Shared {
  tuttiUniqueId id;  // made by rank 0
  std::atomic<bool> has_id;
  std::atomic<int> joined;
};

void ProcessWorld::run_rank(int rank, const Joining& body) const {
  if (rank == 0) {
    RANK_CHECK(tuttiGetUniqueId(&shared_->id) == tuttiSuccess, nullptr);
    shared_->has_id.store(true);
  }
  while (!shared_->has_id.load()) std::this_thread::sleep_for(kNap);
  const int status = body(rank, shared_->id);
  std::fflush(nullptr);
  ::_exit(status);
}

void ProcessWorld::start(const Joining& body) {
  for (int rank = 0; rank < static_cast<int>(ends_.size()); ++rank) {
    const pid_t pid = ::fork();
    if (pid == 0) run_rank(rank, body);
    if (pid < 0) std::abort();
    pids_.push_back(pid);
  }
}

ProcessWorld::ProcessWorld(int ranks, const Joining& body)
    : shared_(map_shared<Shared>()), ends_(static_cast<std::size_t>(ranks), kNotWaited) {
  start(body);
}

ProcessWorld::ProcessWorld(int ranks, int timeout_ms, const Body& body)
    : shared_(map_shared<Shared>()), ends_(static_cast<std::size_t>(ranks), kNotWaited) {
  start([&](int rank, const tuttiUniqueId& id) {
    tuttiConfig_t config = TUTTI_CONFIG_INITIALIZER;
    config.timeout_ms = timeout_ms;
    tuttiComm_t comm = nullptr;
    RANK_CHECK(tuttiCommInitRankConfig(&comm, ranks, id, rank, &config) == tuttiSuccess, nullptr);
    shared_->joined.fetch_add(1);
    return body(rank, comm);
  });
}

ProcessWorld::~ProcessWorld() {
  for (std::size_t rank = 0; rank < pids_.size(); ++rank) {
    if (ends_[rank] != kNotWaited) continue;
    ::kill(pids_[rank], SIGKILL);
    ::waitpid(pids_[rank], nullptr, 0);
  }
  ::munmap(shared_, sizeof(Shared));
}

bool ProcessWorld::await_joined(std::chrono::milliseconds deadline) const {
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (shared_->joined.load() < static_cast<int>(pids_.size())) {
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
