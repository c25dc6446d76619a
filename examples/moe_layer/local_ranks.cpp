#include "local_ranks.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <tutti/tutti.hpp>

namespace moe_layer {
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

}  // namespace

int run_local_ranks(int ranks, const std::function<int(int, const tuttiUniqueId&)>& body) {
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
    int code = 1;
    try {
      code = body(rank, exchange(rank, ranks, pipe_ends));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "rank %d: %s\n", rank, error.what());
    }
    std::exit(code);
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

}  // namespace moe_layer
