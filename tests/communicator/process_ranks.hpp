// Ranks as processes, forked before this process has made a call of Tutti. They meet through shared
// memory; a rank's failure is its exit code, and the sentence is on its stderr.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <tutti/tutti.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

namespace tutti::test {

struct Meeting {
  std::atomic<int> id_ready;
  tuttiUniqueId id;
  std::atomic<int> arrived[8];
};

// Used in a rank's process: prints and leaves.
#define RANK_CHECK(condition, comm)                                           \
  do {                                                                        \
    if (!(condition)) {                                                       \
      std::fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, \
                   tuttiGetLastError(comm));                                  \
      ::_exit(1);                                                             \
    }                                                                         \
  } while (false)

// Waits until `ranks` processes are here; `point` is a barrier of its own.
inline void gather_at(Meeting& meeting, int point, int ranks) {
  meeting.arrived[point].fetch_add(1);
  while (meeting.arrived[point].load() < ranks) ::usleep(200);
}

using RankBody = std::function<void(Meeting&, int rank, tuttiComm_t world)>;

// Runs `body` in `ranks` processes that form a communicator. `killed`: the rank that ends with
// SIGKILL, or -1.
inline void run_processes(int ranks, int killed, const RankBody& body) {
  void* const memory =
      ::mmap(nullptr, sizeof(Meeting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* const meeting = new (memory) Meeting{};
  std::vector<pid_t> pids;
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      ::alarm(60);
      if (rank == 0) {
        RANK_CHECK(tuttiGetUniqueId(&meeting->id) == tuttiSuccess, nullptr);
        meeting->id_ready.store(1);
      }
      while (meeting->id_ready.load() == 0) ::usleep(200);
      tuttiComm_t world = nullptr;
      RANK_CHECK(tuttiCommInitRank(&world, ranks, meeting->id, rank) == tuttiSuccess, nullptr);
      body(*meeting, rank, world);
      ::_exit(0);
    }
    pids.push_back(pid);
  }
  for (int rank = 0; rank < ranks; ++rank) {
    int status = 0;
    ASSERT_EQ(::waitpid(pids[static_cast<std::size_t>(rank)], &status, 0),
              pids[static_cast<std::size_t>(rank)]);
    if (rank == killed) {
      EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "rank " << rank;
    } else {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
          << "rank " << rank << " ended with status " << status;
    }
  }
  ::munmap(memory, sizeof(Meeting));
}

}  // namespace tutti::test
