#include "local_ranks.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <thread>
#include <tutti/tutti.hpp>
#include <vector>

namespace example {
namespace {

// Rank 0 makes the id (it then serves the meeting) and writes it once for each of the others. The
// pieces are smaller than a pipe's atomic unit, so readers never share one.
tuttiUniqueId exchange(int rank, int ranks, const int (&pipe_ends)[2]) {
  tuttiUniqueId id;
  if (rank == 0) {
    id = tutti::unique_id();
    for (int peer = 1; peer < ranks; ++peer) {
      if (write(pipe_ends[1], &id, sizeof id) != sizeof id)
        throw std::runtime_error("writing the id");
    }
  } else {
    close(pipe_ends[1]);
    if (read(pipe_ends[0], &id, sizeof id) != sizeof id) {
      throw std::runtime_error("rank 0 ended before it made a unique id");
    }
  }
  return id;
}

int run_rank(const RankBody& body, int rank, const std::function<tuttiUniqueId()>& meet) {
  try {
    return body(rank, meet());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank %d: %s\n", rank, error.what());
    return 1;
  }
}

bool all_set(std::initializer_list<const char*> names) {
  return std::all_of(names.begin(), names.end(), [](const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr && *value != '\0';
  });
}

}  // namespace

int run_process_ranks(int ranks, const RankBody& body) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) throw std::runtime_error("no pipe");
  std::fflush(nullptr);
  const pid_t parent = getpid();
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("no process for rank " + std::to_string(rank));
    if (child > 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) std::_Exit(1);
    std::exit(run_rank(body, rank, [&] { return exchange(rank, ranks, pipe_ends); }));
  }
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  int first_failure = 0, status = 0;
  while (wait(&status) > 0) {
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (first_failure == 0) first_failure = code;
  }
  return first_failure;
}

int run_thread_ranks(int ranks, const RankBody& body) {
  const tuttiUniqueId id = tutti::unique_id();
  std::atomic<int> first_failure = 0;
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      int none = 0;
      if (const int code = run_rank(body, rank, [&] { return id; }); code != 0) {
        first_failure.compare_exchange_strong(none, code);
      }
    });
  }
  threads.clear();  // joins them
  return first_failure;
}

bool launched() {
  return all_set({"TUTTI_RANK"}) || all_set({"TUTTI_UNIQUE_ID"}) || all_set({"TUTTI_RANK_TABLE"}) ||
         all_set({"PMIX_RANK", "PMIX_NAMESPACE"}) || all_set({"PMI_FD", "PMI_RANK", "PMI_SIZE"}) ||
         all_set({"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) ||
         all_set({"TUTTI_WORLD_SIZE"});  // Kubernetes
}

}  // namespace example
