#include "perf/raw/crowd.hpp"

#include <fmt/format.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "perf/common/statistics.hpp"
#include "perf/common/stopwatch.hpp"
#include "perf/raw/shared_memory.hpp"

namespace tutti::raw {
namespace {

constexpr int kCrowds[] = {8, 64, 384};
constexpr std::size_t kMaxRanks = 384;
constexpr std::size_t kFloats = 16;
constexpr std::size_t kWarmUps = 20;
constexpr std::size_t kMaxSamples = 1000;

struct alignas(64) Contribution {
  float values[kFloats];
};

// `sum` is written by who arrives last, before `round`, and read by all after that; nobody arrives
// again before having read it. So are `samples` and `batch`, which rank 0 writes before it arrives.
struct Meeting {
  alignas(64) std::atomic<std::uint32_t> arrived;
  alignas(64) std::atomic<std::uint32_t> round;  // the futex word
  alignas(64) Contribution sum;
  std::size_t samples;
  std::size_t batch;
  Contribution brought[kMaxRanks];
  double sample_us[kMaxRanks][kMaxSamples];
};

class Member {
 public:
  Member(Meeting& meeting, const Crowd& crowd, int rank)
      : meeting_(meeting), crowd_(crowd), rank_(rank) {}

  // One all_reduce.
  void meet() {
    const std::uint32_t round = meeting_.round.load(std::memory_order_relaxed);
    std::fill_n(meeting_.brought[rank_].values, kFloats, 1.0f);
    const auto ranks = static_cast<std::uint32_t>(crowd_.ranks);
    // Acquire and release: the last one reads what all others brought.
    if (meeting_.arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == ranks) {
      finish(round + 1);
    } else {
      await(round);
    }
    result_ = meeting_.sum;
    if (result_.values[0] != static_cast<float>(crowd_.ranks)) {
      throw std::runtime_error(fmt::format("the sum of {} ones is {}", ranks, result_.values[0]));
    }
  }

 private:
  void finish(std::uint32_t next) {
    Contribution sum{};
    for (int peer = 0; peer < crowd_.ranks; ++peer) {
      for (std::size_t i = 0; i < kFloats; ++i) sum.values[i] += meeting_.brought[peer].values[i];
    }
    meeting_.sum = sum;
    meeting_.arrived.store(0, std::memory_order_relaxed);
    meeting_.round.store(next, std::memory_order_release);  // pairs with the acquire in await
    if (crowd_.wait == Crowd::Wait::kSleep) {
      syscall(SYS_futex, &meeting_.round, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    }
  }

  void await(std::uint32_t round) const {
    for (std::uint32_t looks = 1; meeting_.round.load(std::memory_order_acquire) == round;
         ++looks) {
      if (crowd_.wait == Crowd::Wait::kSleep) {
        const timespec limit{.tv_sec = 1, .tv_nsec = 0};
        const long slept =
            syscall(SYS_futex, &meeting_.round, FUTEX_WAIT, round, &limit, nullptr, 0);
        if (slept != 0 && errno == ETIMEDOUT) check_children();
      } else {
        sched_yield();
        if (looks % 65536 == 0) check_children();
      }
    }
  }

  // A child that ended while it was needed: nobody would ever arrive last.
  void check_children() const {
    if (rank_ == 0 && waitpid(-1, nullptr, WNOHANG) > 0) {
      throw std::runtime_error("a process of the crowd is gone");
    }
  }

  Meeting& meeting_;
  const Crowd& crowd_;
  int rank_;
  Contribution result_{};
};

// In the last two warm-ups rank 0 looks how long a round takes, and tells how many there will be.
void measure(Meeting& meeting, Member& member, int rank, double seconds) {
  for (std::size_t i = 0; i + 2 < kWarmUps; ++i) member.meet();
  const double start = perf::now_us();
  member.meet();
  if (rank == 0) {
    const double one_us = std::max(perf::now_us() - start, 0.1);
    meeting.batch = perf::batch_for(one_us);
    const double samples = seconds * 1e6 / one_us / static_cast<double>(meeting.batch);
    meeting.samples = std::clamp<std::size_t>(static_cast<std::size_t>(samples), 10, kMaxSamples);
  }
  member.meet();
  for (std::size_t i = 0; i < meeting.samples; ++i) {
    const double begin = perf::now_us();
    for (std::size_t k = 0; k < meeting.batch; ++k) member.meet();
    meeting.sample_us[rank][i] = (perf::now_us() - begin) / static_cast<double>(meeting.batch);
  }
  member.meet();  // all times are there
}

class Children {
 public:
  ~Children() {
    for (pid_t child : pids_) kill(child, SIGKILL);
    for (pid_t child : pids_) waitpid(child, nullptr, 0);
  }

  // Runs body(), which ends the process with its status.
  template <typename Body>
  void fork_one(const Body& body) {
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error(fmt::format("fork: {}", std::strerror(errno)));
    if (child > 0) return pids_.push_back(child);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    try {
      body();
    } catch (const std::exception& error) {
      fmt::print(stderr, "tutti-raw: {}\n", error.what());
      _exit(1);
    }
    _exit(0);
  }

 private:
  std::vector<pid_t> pids_;
};

}  // namespace

std::string Crowd::op() const { return fmt::format("all_reduce_{}_ranks", ranks); }

std::string Crowd::variant() const {
  return wait == Wait::kYield ? "counter, yield" : "counter, one wake";
}

std::vector<Crowd> crowds() {
  std::vector<Crowd> all;
  for (int ranks : kCrowds) {
    for (auto wait : {Crowd::Wait::kYield, Crowd::Wait::kSleep}) all.push_back({ranks, wait});
  }
  return all;
}

CrowdTimes run_crowd(const Crowd& crowd, double seconds) {
  const SharedMemory memory(sizeof(Meeting));
  Meeting& meeting = *memory.as<Meeting>();
  const auto run = [&](int rank) {
    Member member(meeting, crowd, rank);
    measure(meeting, member, rank, seconds);
  };
  Children children;
  for (int rank = 1; rank < crowd.ranks; ++rank) {
    children.fork_one([&, rank] { run(rank); });
  }
  run(0);
  CrowdTimes times{.batch = meeting.batch};
  for (int rank = 0; rank < crowd.ranks; ++rank) {
    times.sample_us.insert(times.sample_us.end(), meeting.sample_us[rank],
                           meeting.sample_us[rank] + meeting.samples);
  }
  return times;
}

}  // namespace tutti::raw
