#include "perf/tutti_perf/world.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <thread>
#include <vector>

#include "perf/tutti_perf/library.hpp"

namespace tutti::perf {
namespace {

using SteadyClock = std::chrono::steady_clock;

// One CPU per rank while there are enough: a benchmark must not measure migrations.
void pin_rank(int rank, int ranks) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || ranks > CPU_COUNT(&allowed)) return;
  int place = rank;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || place-- > 0) continue;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    sched_setaffinity(0, sizeof own, &own);  // without it the rank runs all the same
    return;
  }
}

// Destroys the communicator, and aborts it when an exception passes: peers then need not wait for
// the deadline.
class Membership {
 public:
  explicit Membership(tuttiComm_t comm) : comm_(comm) {}
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;
  ~Membership() {
    if (left_) return;
    tuttiCommAbort(comm_);
  }
  void leave() {
    check(tuttiCommFinalize(comm_), comm_);
    left_ = true;
    check(tuttiCommDestroy(comm_), nullptr);
  }

 private:
  tuttiComm_t comm_;
  bool left_ = false;
};

tuttiComm_t join_world() {
  tuttiComm_t comm = nullptr;
  check(tuttiCommInitWorld(&comm), nullptr);
  return comm;
}

tuttiComm_t join_local(const Options& options, Board& board, int rank) {
  if (options.pin) pin_rank(rank, options.ranks);
  tuttiComm_t comm = nullptr;
  if (rank == 0) {
    tuttiUniqueId id;
    check(tuttiGetUniqueId(&id), nullptr);
    board.publish_id(id);
  }
  check(tuttiCommInitRank(&comm, options.ranks, board.wait_for_id(), rank), nullptr);
  return comm;
}

int library_deadline_ms() {
  const char* text = std::getenv("TUTTI_TIMEOUT_MS");
  const int value = text == nullptr ? 0 : std::atoi(text);
  return value > 0 ? value : 30000;
}

// The processes of one run, by pid.
class Children {
 public:
  explicit Children(Board& board) : board_(board) {}
  // Only reached with children left when starting failed: none may stay.
  ~Children() { kill_all(); }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  void add(pid_t pid, int rank) { rank_of_[pid] = rank; }

  void wait() {
    bool failed = false;
    auto deadline = SteadyClock::time_point::max();
    while (!rank_of_.empty()) {
      int status = 0;
      const pid_t pid = waitpid(-1, &status, failed ? WNOHANG : 0);
      if (pid < 0 && errno == EINTR) continue;
      if (pid < 0) break;
      if (pid == 0) {
        if (SteadyClock::now() > deadline) return give_up();
        usleep(2000);
        continue;
      }
      if (rank_of_.count(pid) == 0 || status == 0) {
        rank_of_.erase(pid);
        continue;
      }
      note_end(pid, status);
      if (failed) continue;
      failed = true;
      deadline = SteadyClock::now() + std::chrono::milliseconds(library_deadline_ms() + 5000);
    }
  }

 private:
  void note_end(pid_t pid, int status) {
    const int rank = rank_of_[pid];
    rank_of_.erase(pid);
    if (WIFSIGNALED(status)) {
      board_.fail(rank, tuttiRemoteError,
                  fmt::format("rank {} (pid {}) was killed by signal {} ({})", rank, pid,
                              WTERMSIG(status), strsignal(WTERMSIG(status))),
                  {rank});
    } else if (!board_.failure_of(rank)) {
      board_.fail(
          rank, tuttiRemoteError,
          fmt::format("rank {} (pid {}) exited with code {}", rank, pid, WEXITSTATUS(status)),
          {rank});
    }
  }

  void give_up() {
    for (const auto& [pid, rank] : rank_of_) {
      board_.fail(rank, tuttiTimeout,
                  fmt::format("rank {} (pid {}) did not end after another rank failed", rank, pid),
                  {});
    }
    kill_all();
  }

  void kill_all() {
    for (const auto& [pid, rank] : rank_of_) kill(pid, SIGKILL);
    for (const auto& [pid, rank] : rank_of_) waitpid(pid, nullptr, 0);
    rank_of_.clear();
  }

  Board& board_;
  std::map<pid_t, int> rank_of_;
};

void run_processes(const Options& options, Board& board, const RankMain& main) {
  const pid_t parent = getpid();
  Children children(board);
  std::fflush(nullptr);  // or children would write it again
  for (int rank = 0; rank < options.ranks; ++rank) {
    const pid_t pid = fork();
    if (pid < 0) {
      throw Error(tuttiSystemError, fmt::format("fork of rank {}: {}", rank, std::strerror(errno)));
    }
    if (pid > 0) {
      children.add(pid, rank);
      continue;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    const bool good = run_rank(
        board, rank, [&] { return join_local(options, board, rank); }, main);
    std::fflush(nullptr);
    _exit(good ? 0 : 1);
  }
  // A signal from the terminal ends the ranks; this process lives on to report it.
  signal(SIGINT, SIG_IGN);
  children.wait();
}

void run_threads(const Options& options, Board& board, const RankMain& main) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(options.ranks));
  for (int rank = 0; rank < options.ranks; ++rank) {
    threads.emplace_back([&, rank] {
      run_rank(
          board, rank, [&] { return join_local(options, board, rank); }, main);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

bool run_rank(Board& board, int rank, const Join& join, const RankMain& main) {
  try {
    const tuttiComm_t comm = join();
    if (rank == 0) board.note_startup();
    Membership membership(comm);
    main(comm);
    membership.leave();
    return true;
  } catch (const Error& error) {
    board.fail(rank, error.code(), error.what(), error.culprits());
  } catch (const std::exception& error) {
    board.fail(rank, tuttiInternalError, fmt::format("rank {}: {}", rank, error.what()), {});
  }
  return false;
}

void run_ranks(const Options& options, Board& board, const RankMain& main) {
  if (options.ranks == 0) {
    run_rank(board, 0, join_world, main);
  } else if (options.threads) {
    run_threads(options, board, main);
  } else {
    run_processes(options, board, main);
  }
}

}  // namespace tutti::perf
