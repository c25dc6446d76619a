#include "perf/faults/trial.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tutti::faults {

namespace {

using namespace std::chrono_literals;

constexpr int kMaxRanks = 64;
constexpr int kVictim = 3;
constexpr auto kPatience = 20s;
constexpr int kTimeoutMs = 15'000;
constexpr int kWarmCalls = 20;

double now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

// Shared by the ranks and the process that forked them.
struct Board {
  struct OfRank {
    std::atomic<int> calls;      // that returned well
    std::atomic<bool> returned;  // its last call; what follows is written before
    double returned_at;
    tuttiResult_t code;
    char sentence[256];
  };
  tuttiUniqueId id;
  std::atomic<bool> has_id;
  std::atomic<bool> abort;
  OfRank of[kMaxRanks];
};

template <typename Condition>
bool wait_for(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(500us);
  }
  return true;
}

struct Scene {
  const Work& work;
  Fault fault;
  State state;
  int ranks;
  Board& board;

  // The rank that, after the warm calls, makes none, so that the others wait.
  int absent() const {
    if (state == State::kBusy) return -1;
    return fault == Fault::kKill ? kVictim : 0;
  }
  // Ranks whose calls must return.
  bool survives(int rank) const {
    return rank != absent() && !(fault == Fault::kKill && rank == kVictim);
  }
  tuttiResult_t expected(int rank) const {
    return fault == Fault::kAbort && rank == kVictim ? tuttiAborted : tuttiRemoteError;
  }
};

tuttiComm_t join(const Scene& scene, int rank) {
  Board& board = scene.board;
  if (rank == 0) {
    if (tuttiGetUniqueId(&board.id) != tuttiSuccess) return nullptr;
    board.has_id = true;
  }
  if (!wait_for([&] { return board.has_id.load(); })) return nullptr;
  tuttiConfig_t config = TUTTI_CONFIG_INITIALIZER;
  config.timeout_ms = kTimeoutMs;
  tuttiComm_t comm = nullptr;
  tuttiCommInitRankConfig(&comm, scene.ranks, board.id, rank, &config);
  return comm;
}

[[noreturn]] void run_rank(const Scene& scene, int rank) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setenv("TUTTI_DEBUG", "NONE", 0);  // failures are what is measured, and no news
  Board::OfRank& mine = scene.board.of[rank];
  const tuttiComm_t comm = join(scene, rank);
  if (comm == nullptr) ::_exit(1);
  const auto calls = scene.work.make(comm);
  std::thread aborter;
  std::atomic<double> abort_returned_at{0};
  if (scene.fault == Fault::kAbort && rank == kVictim) {
    aborter = std::thread([&] {
      while (!scene.board.abort) std::this_thread::sleep_for(100us);
      tuttiCommAbort(comm);
      abort_returned_at = now_ms();
    });
  }
  tuttiResult_t code = tuttiSuccess;
  while (code == tuttiSuccess) {
    if (rank == scene.absent() && mine.calls == kWarmCalls) {
      for (;;) ::pause();
    }
    code = calls->once();
    if (code == tuttiSuccess) ++mine.calls;
  }
  mine.returned_at = now_ms();
  if (aborter.joinable()) {
    aborter.join();
    mine.returned_at = std::max(mine.returned_at, abort_returned_at.load());
  } else {
    std::strncpy(mine.sentence, calls->sentence().c_str(), sizeof(mine.sentence) - 1);
  }
  mine.code = code;
  mine.returned = true;
  ::_exit(0);
}

// Why this trial does not count; empty when every survivor returned what it should.
std::string judge(const Scene& scene) {
  for (int rank = 0; rank < scene.ranks; ++rank) {
    if (!scene.survives(rank)) continue;
    const Board::OfRank& its = scene.board.of[rank];
    if (!its.returned) return fmt::format("rank {} did not return", rank);
    const bool names =
        its.sentence[0] == '\0' ||
        std::strstr(its.sentence, fmt::format("rank {}", kVictim).c_str()) != nullptr;
    if (its.code != scene.expected(rank) || !names) {
      return fmt::format("rank {} returned {}: {}", rank, tuttiGetErrorString(its.code),
                         its.sentence);
    }
  }
  return "";
}

bool all_returned(const Scene& scene) {
  for (int rank = 0; rank < scene.ranks; ++rank) {
    if (scene.survives(rank) && !scene.board.of[rank].returned) return false;
  }
  return true;
}

bool all_warm(const Scene& scene) {
  for (int rank = 0; rank < scene.ranks; ++rank) {
    if (scene.board.of[rank].calls < kWarmCalls) return false;
  }
  return true;
}

// The fault, at a time that no rank can foresee, and the wait for its consequences.
Trial play(const Scene& scene, const std::vector<pid_t>& pids, unsigned seed) {
  if (!wait_for([&] { return all_warm(scene); })) return {.wrong = "the ranks did not start"};
  std::minstd_rand random(seed);
  std::this_thread::sleep_for(50ms + std::chrono::microseconds(random() % 20000));
  const double start = now_ms();
  if (scene.fault == Fault::kKill) {
    ::kill(pids[kVictim], SIGKILL);
  } else {
    scene.board.abort = true;
  }
  wait_for([&] { return all_returned(scene); });
  Trial trial{.wrong = judge(scene)};
  for (int rank = 0; rank < scene.ranks; ++rank) {
    if (scene.survives(rank)) {
      trial.ms = std::max(trial.ms, scene.board.of[rank].returned_at - start);
    }
  }
  return trial;
}

}  // namespace

Trial run_trial(const Work& work, Fault fault, State state, int ranks, unsigned seed) {
  if (ranks <= kVictim || ranks > kMaxRanks) {
    throw std::invalid_argument(fmt::format("between {} and {} ranks", kVictim + 1, kMaxRanks));
  }
  void* memory =
      ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  const Scene scene{work, fault, state, ranks, *new (memory) Board{}};
  std::vector<pid_t> pids;
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t pid = ::fork();
    if (pid == 0) run_rank(scene, rank);
    if (pid > 0) pids.push_back(pid);
  }
  Trial trial{.wrong = "fork failed"};
  if (pids.size() == static_cast<std::size_t>(ranks)) trial = play(scene, pids, seed);
  for (const pid_t pid : pids) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  ::munmap(memory, sizeof(Board));
  return trial;
}

}  // namespace tutti::faults
