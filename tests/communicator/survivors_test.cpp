// A rank is killed; the others hear of it, shrink, and go on.
#include <gtest/gtest.h>
#include <signal.h>
#include <tutti/moe.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>

#include "tests/support/process_world.hpp"

namespace tutti::test {
namespace {

constexpr int kNobody = -1;
constexpr int kTimeoutMs = 30'000;

// Runs `body` in `ranks` processes; `killed` ends by SIGKILL, the others well.
void run_processes(int ranks, int killed, const std::function<void(int rank, tuttiComm_t)>& body) {
  ProcessWorld processes(ranks, kTimeoutMs, [&](int rank, tuttiComm_t world) {
    body(rank, world);
    return 0;
  });
  for (int rank = 0; rank < ranks; ++rank) {
    EXPECT_EQ(processes.wait(rank), rank == killed ? -SIGKILL : 0) << "rank " << rank;
  }
}

void check_all_reduce(tuttiComm_t comm, std::size_t count) {
  int ranks = 0;
  int rank = 0;
  tuttiCommCount(comm, &ranks);
  tuttiCommUserRank(comm, &rank);
  std::vector<int> data(count, rank + 1);
  RANK_CHECK(tuttiAllReduce(data.data(), data.data(), count, tuttiInt32, tuttiSum, comm, nullptr) ==
                 tuttiSuccess,
             comm);
  for (const int value : data) RANK_CHECK(value == ranks * (ranks + 1) / 2, comm);
}

// Where ranks reach each other by messages, who is still in a call needs those that have returned
// from it to be there.
bool memory_dies_with_ranks() {
  const char* const transport = std::getenv("TUTTI_TRANSPORT");
  return transport != nullptr && std::string_view(transport) != "shm";
}

struct Case {
  int ranks;
  int victim;
};
class Survivors : public ::testing::TestWithParam<Case> {};

TEST_P(Survivors, NameTheDeadRankAndGoOnInAShrunkCommunicator) {
  const auto [ranks, victim] = GetParam();
  MeetingPoint done;
  MeetingPoint end;
  run_processes(ranks, victim, [&, ranks = ranks, victim = victim](int rank, tuttiComm_t world) {
    check_all_reduce(world, 1);
    check_all_reduce(world, 100000);
    if (memory_dies_with_ranks()) done.meet(ranks);
    if (rank == victim) ::kill(::getpid(), SIGKILL);
    std::vector<int> data(100000, 1);
    tuttiResult_t result = tuttiSuccess;
    while (result == tuttiSuccess) {
      result = tuttiAllReduce(data.data(), data.data(), data.size(), tuttiInt32, tuttiMax, world,
                              nullptr);
    }
    RANK_CHECK(result == tuttiRemoteError, world);
    RANK_CHECK(std::strstr(tuttiGetLastError(world), ("rank " + std::to_string(victim)).c_str()) !=
                   nullptr,
               world);
    tuttiComm_t next = nullptr;
    RANK_CHECK(tuttiCommShrink(world, &victim, 1, &next, nullptr, TUTTI_SHRINK_DEFAULT) ==
                   tuttiRemoteError,
               world);
    RANK_CHECK(
        tuttiCommShrink(world, &victim, 1, &next, nullptr, TUTTI_SHRINK_ABORT) == tuttiSuccess,
        world);
    RANK_CHECK(tuttiCommDestroy(world) == tuttiSuccess, world);
    check_all_reduce(next, 1);
    check_all_reduce(next, 100000);
    end.meet(ranks - 1);
    RANK_CHECK(tuttiCommDestroy(next) == tuttiSuccess, next);
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, Survivors,
                         ::testing::Values(Case{2, 1}, Case{2, 0}, Case{4, 0}, Case{4, 3},
                                           Case{7, 2}));

TEST(SurvivorsOfASplit, ColorsOfADeadRankFailAndOthersDoNotNotice) {
  MeetingPoint ready;
  MeetingPoint end;
  run_processes(6, 5, [&](int rank, tuttiComm_t world) {
    tuttiComm_t child = nullptr;
    RANK_CHECK(tuttiCommSplit(world, rank % 2, 0, &child, nullptr) == tuttiSuccess, world);
    check_all_reduce(child, 1000);
    ready.meet(6);
    if (rank == 5) ::kill(::getpid(), SIGKILL);
    int value = 1;
    if (rank % 2 == 0) {
      for (int i = 0; i < 100; ++i) check_all_reduce(child, 100);
    } else {
      // Rank 2 of the child died.
      RANK_CHECK(tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiSum, child, nullptr) ==
                     tuttiRemoteError,
                 child);
      RANK_CHECK(std::strstr(tuttiGetLastError(child), "rank 2") != nullptr, child);
    }
    end.meet(5);
  });
}

// The leader of the watch dies, then the next: the survivors must still notice.
TEST(SurvivorsOfSurvivors, ShrinkTwice) {
  MeetingPoint done[2];
  run_processes(4, kNobody, [&](int rank, tuttiComm_t world) {
    tuttiComm_t comm = world;
    for (int round = 0; round < 2; ++round) {
      int own = -1;
      tuttiCommUserRank(comm, &own);
      check_all_reduce(comm, 10);
      if (memory_dies_with_ranks()) done[round].meet(4 - round);
      if (own == 0) ::_exit(0);  // without a word
      tuttiResult_t result = tuttiSuccess;
      int value = rank;
      while (result == tuttiSuccess) {
        result = tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiMax, comm, nullptr);
      }
      RANK_CHECK(result == tuttiRemoteError, comm);
      const int gone = 0;
      tuttiComm_t next = nullptr;
      RANK_CHECK(
          tuttiCommShrink(comm, &gone, 1, &next, nullptr, TUTTI_SHRINK_ABORT) == tuttiSuccess,
          comm);
      RANK_CHECK(tuttiCommDestroy(comm) == tuttiSuccess, comm);
      comm = next;
    }
    check_all_reduce(comm, 1000);
  });
}

// Two ranks do `together`; then rank 1 dies, and rank 0's `failing` must leave all of `lines` in
// its report.
void expect_report(const std::function<void(int, tuttiComm_t)>& together,
                   const std::function<tuttiResult_t(tuttiComm_t)>& failing,
                   const std::vector<std::string>& lines) {
  const std::string base = ::testing::TempDir() + "tutti_report_";
  ::setenv("TUTTI_DEBUG", "INFO", 1);
  ::setenv("TUTTI_DEBUG_FILE", (base + "%p").c_str(), 1);
  run_processes(2, 1, [&](int rank, tuttiComm_t world) {
    together(rank, world);
    const std::string path = base + std::to_string(::getpid());
    if (rank == 1) {
      ::unlink(path.c_str());
      std::this_thread::sleep_for(std::chrono::seconds(1));  // rank 0 waits for this one by then
      ::kill(::getpid(), SIGKILL);
    }
    const tuttiResult_t result = failing(world);
    RANK_CHECK(result == tuttiRemoteError, world);
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    ::unlink(path.c_str());
    for (const std::string& line : lines) RANK_CHECK(text.find(line) != std::string::npos, world);
  });
  ::unsetenv("TUTTI_DEBUG");
  ::unsetenv("TUTTI_DEBUG_FILE");
}

TEST(SurvivorsReport, ShowsTheLastOperationsAtInfo) {
  expect_report(
      [](int, tuttiComm_t world) { check_all_reduce(world, 12); },
      [](tuttiComm_t world) { return tuttiBarrier(world, nullptr); },
      {"operation #1 AllReduce(count=12, int32, sum): done", "operation #2 Barrier: failed after"});
}

TEST(SurvivorsReport, ShowsMessages) {
  std::array<int, 5> values{};
  expect_report(
      [&](int rank, tuttiComm_t world) {
        const auto call = rank == 0 ? tuttiSend(values.data(), 3, tuttiInt32, 1, world, nullptr)
                                    : tuttiRecv(values.data(), 3, tuttiInt32, 0, world, nullptr);
        RANK_CHECK(call == tuttiSuccess, world);
      },
      [&](tuttiComm_t world) { return tuttiRecv(values.data(), 5, tuttiInt32, 1, world, nullptr); },
      {"message #0 Send(count=3, int32, peer 1): done",
       "message #1 Recv(count=5, int32, peer 1): failed after"});
}

TEST(SurvivorsReport, ShowsTokenDispatch) {
  tuttiMoePlan_t plan = nullptr;
  expect_report(
      [&](int, tuttiComm_t world) {
        tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
        config.num_experts = 2;
        config.max_tokens_per_rank = config.max_topk = 1;
        config.max_row_bytes = 8;
        tuttiMoeGroup_t group = nullptr;
        RANK_CHECK(tuttiMoeGroupCreate(world, &config, &group) == tuttiSuccess, world);
        RANK_CHECK(tuttiMoePlanCreate(group, &plan) == tuttiSuccess, world);
      },
      [&](tuttiComm_t) {
        const int expert = 1;
        double row = 0;
        tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
        args.rows = &row;
        args.row_bytes = sizeof(row);
        tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
        const tuttiResult_t update = tuttiMoePlanUpdate(plan, &expert, tuttiInt32, 1, 1, 1);
        return update != tuttiSuccess ? update : tuttiMoeDispatch(plan, &args, &output, nullptr);
      },
      {"MoePlanUpdate(count=1): done", "MoeDispatch(count=1): failed after"});
}

}  // namespace
}  // namespace tutti::test
