// A rank killed with SIGKILL in the middle of an operation: every survivor that needs it gets
// tuttiRemoteError naming it, soon; nothing hangs and nothing is left behind.
#include <gtest/gtest.h>
#include <signal.h>
#include <tutti/moe.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include "tests/support/process_world.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

constexpr int kVictim = 1;
constexpr int kTimeoutMs = 20'000;  // far longer than any wait here should take

struct Operation {
  const char* name;
  std::size_t count;  // elements, or tokens
  bool symmetric;
};

void* allocate(bool symmetric, std::size_t bytes) {
  void* p = nullptr;
  if (!symmetric) return std::calloc(1, bytes);
  return tuttiMemAlloc(&p, bytes) == tuttiSuccess ? p : nullptr;
}

// `results`: rows that combine sends back in place of those that dispatch brought; or null.
tuttiResult_t run_moe(tuttiMoePlan_t plan, float* rows, float* results, const int* topk, float* out,
                      int tokens, std::size_t hidden) {
  if (const auto code = tuttiMoePlanUpdate(plan, topk, tuttiInt32, 2, tokens, 2)) return code;
  tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
  args.rows = rows;
  args.row_bytes = hidden * sizeof(float);
  args.layout = tuttiMoeLayoutExpert;
  tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
  if (const auto code = tuttiMoeDispatch(plan, &args, &output, nullptr)) return code;
  tuttiMoeCombineArgs_t combine = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
  combine.rows = results != nullptr ? results : output.rows;
  combine.hidden = hidden;
  combine.type = tuttiFloat32;
  return tuttiMoeCombine(plan, &combine, out, nullptr);
}

// Repeats the operation until it fails; returns the code, and the sentence in `text`.
tuttiResult_t repeat(const Operation& operation, tuttiComm_t comm, std::string& text) {
  int ranks = 0;
  tuttiCommCount(comm, &ranks);
  const std::size_t count = operation.count;
  // Rows of 4 KiB in private memory are read by gets, in dispatch and in combine.
  const std::string name = operation.name;
  const bool by_gets = name == "moe by gets";
  const std::size_t hidden = by_gets ? 1024 : 64;
  const std::size_t bytes = count * sizeof(float) * static_cast<std::size_t>(ranks) * hidden;
  auto* a = static_cast<float*>(allocate(operation.symmetric, bytes));
  auto* b = static_cast<float*>(allocate(operation.symmetric, bytes));
  tuttiResult_t code = tuttiSuccess;
  if (name == "moe" || by_gets) {
    tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
    config.num_experts = 8;
    config.max_tokens_per_rank = static_cast<int>(count);
    config.max_topk = 2;
    config.max_row_bytes = hidden * sizeof(float);
    tuttiMoeGroup_t group = nullptr;
    code = tuttiMoeGroupCreate(comm, &config, &group);
    tuttiMoePlan_t plan = nullptr;
    if (code == tuttiSuccess) code = tuttiMoePlanCreate(group, &plan);
    std::vector<int> topk(count * 2);
    for (std::size_t i = 0; i < topk.size(); ++i) topk[i] = static_cast<int>((i * 3 + i / 2) % 8);
    for (std::size_t i = 0; i < topk.size(); i += 2) topk[i + 1] = (topk[i] + 3) % 8;
    // Each rank receives two rows of every token at most.
    auto* results = by_gets ? static_cast<float*>(allocate(false, 2 * bytes)) : nullptr;
    while (code == tuttiSuccess) {
      code = run_moe(plan, a, results, topk.data(), b, static_cast<int>(count), hidden);
    }
    text = group != nullptr ? tuttiMoeGetLastError(group) : tuttiGetLastError(comm);
    return code;
  }
  while (code == tuttiSuccess) {
    if (name == "all_reduce")
      code = tuttiAllReduce(a, b, count, tuttiFloat, tuttiSum, comm, nullptr);
    if (name == "all_to_all") code = tuttiAlltoAll(a, b, count, tuttiFloat, comm, nullptr);
    if (name == "broadcast") code = tuttiBroadcast(b, b, count, tuttiFloat, kVictim, comm, nullptr);
    if (name == "all_gather") code = tuttiAllGather(a, b, count, tuttiFloat, comm, nullptr);
    if (name == "reduce_scatter")
      code = tuttiReduceScatter(a, b, count, tuttiFloat, tuttiSum, comm, nullptr);
    if (name == "barrier") code = tuttiBarrier(comm, nullptr);
    if (name == "split") {
      tuttiComm_t child = nullptr;
      code = tuttiCommSplit(comm, 0, 0, &child, nullptr);
      if (code == tuttiSuccess) code = tuttiCommDestroy(child);
    }
  }
  text = tuttiGetLastError(comm);
  return code;
}

int survive(const Operation& operation, int rank, tuttiComm_t comm) {
  std::string text;
  const tuttiResult_t code = repeat(operation, comm, text);
  const bool names = text.find("rank " + std::to_string(kVictim) + " ") != std::string::npos;
  if (code != tuttiRemoteError || !names) {
    std::fprintf(stderr, "rank %d of %s got code %d: %s\n", rank, operation.name, code,
                 text.c_str());
    return 1;
  }
  // The communicator stays failed, says so, and can be destroyed.
  // (A MoE group may hear of the death a moment before the communicator it came from.)
  tuttiResult_t state = tuttiSuccess;
  for (int i = 0; i < 5000 && state == tuttiSuccess; ++i) {
    if (tuttiCommGetAsyncError(comm, &state) != tuttiSuccess) return 2;
    ::usleep(1000);
  }
  if (state != tuttiRemoteError) return 2;
  if (tuttiBarrier(comm, nullptr) != tuttiRemoteError) return 3;
  return tuttiCommDestroy(comm) == tuttiSuccess ? 0 : 4;
}

class Kill : public testing::TestWithParam<std::tuple<Operation, int>> {
 protected:
  static void kill_in_the_middle() {
    const auto& [operation, ranks] = GetParam();
    std::mt19937 random(20261123);
    for (int round = 0; round < 2; ++round) {
      ProcessWorld world(ranks, kTimeoutMs, [op = operation](int rank, tuttiComm_t comm) {
        return survive(op, rank, comm);
      });
      ASSERT_TRUE(world.await_joined());
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
      world.kill(kVictim, SIGKILL);
      for (int rank = 0; rank < ranks; ++rank) {
        EXPECT_EQ(world.wait(rank), rank == kVictim ? -SIGKILL : 0) << "rank " << rank;
      }
    }
  }
};

TEST_P(Kill, IsToldToEverySurvivorByName) { kill_in_the_middle(); }

// Rows by assemblies, which only very many ranks choose by themselves: the kernel copies them from
// processes that may be dying.
class KillInAssembly : public Kill {
  const ScopedVariable algorithm_{"TUTTI_ALGO", "assembly"};
};

TEST_P(KillInAssembly, IsToldToEverySurvivorByName) { kill_in_the_middle(); }

INSTANTIATE_TEST_SUITE_P(Exchanges, KillInAssembly,
                         testing::Combine(testing::Values(Operation{"all_to_all", 60'000, true},
                                                          Operation{"all_to_all", 60'000, false},
                                                          Operation{"all_gather", 900, true}),
                                          testing::Values(2, 5)));

INSTANTIATE_TEST_SUITE_P(
    All, Kill,
    testing::Combine(
        testing::Values(Operation{"all_reduce", 2, true}, Operation{"all_reduce", 300, false},
                        Operation{"all_reduce", 300'000, true},
                        Operation{"all_reduce", 300'000, false}, Operation{"all_to_all", 2, true},
                        Operation{"all_to_all", 60'000, true},
                        Operation{"all_to_all", 60'000, false},
                        Operation{"broadcast", 60'000, false}, Operation{"all_gather", 900, true},
                        Operation{"reduce_scatter", 9000, true}, Operation{"barrier", 1, true},
                        Operation{"split", 1, true}, Operation{"moe", 32, true},
                        Operation{"moe", 32, false}, Operation{"moe by gets", 32, false}),
        testing::Values(2, 5)));

// The victim's sleeping child keeps its descriptors and mappings; the death must be noticed all the
// same.
TEST(KillWithChild, IsNoticedThoughAForkedChildLives) {
  ProcessWorld world(3, kTimeoutMs, [](int rank, tuttiComm_t comm) {
    if (rank == kVictim && ::fork() == 0) {
      ::sleep(8);
      ::_exit(0);
    }
    return survive({"all_reduce", 2, true}, rank, comm);
  });
  ASSERT_TRUE(world.await_joined());
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  world.kill(kVictim, SIGKILL);
  for (const int rank : {0, 2}) EXPECT_EQ(world.wait(rank, std::chrono::seconds(6)), 0);
}

// The leader watches the others; when it dies too, the next one takes over.
TEST(KillTwice, OfTheLeaderAndThenAnotherIsNoticed) {
  ProcessWorld world(4, kTimeoutMs, [](int rank, tuttiComm_t comm) {
    // Ranks 2 and 3 need nobody until both victims are dead, then each other and rank 1.
    if (rank < 2) ::sleep(60);
    ::usleep(1'500'000);
    float x = 0;
    const tuttiResult_t code = tuttiAllReduce(&x, &x, 1, tuttiFloat, tuttiSum, comm, nullptr);
    const std::string text = tuttiGetLastError(comm);
    if (code != tuttiRemoteError || text.find("ranks 0, 1") == std::string::npos) {
      std::fprintf(stderr, "rank %d: %d %s\n", rank, code, text.c_str());
      return 1;
    }
    return 0;
  });
  ASSERT_TRUE(world.await_joined());
  world.kill(0, SIGKILL);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  world.kill(1, SIGKILL);
  for (const int rank : {2, 3}) EXPECT_EQ(world.wait(rank, std::chrono::seconds(20)), 0);
}

TEST(KillAll, LeavesNothingInSharedMemory) {
  const auto names = [] {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
      if (entry.path().filename().string().find("tutti") != std::string::npos) {
        found.push_back(entry.path().string());
      }
    }
    return found;
  };
  {
    ProcessWorld world(3, kTimeoutMs, [](int, tuttiComm_t comm) {
      std::string text;
      repeat({"all_reduce", 9000, true}, comm, text);
      return 0;
    });
    ASSERT_TRUE(world.await_joined());
    EXPECT_TRUE(names().empty());
    for (int rank = 0; rank < 3; ++rank) world.kill(rank, SIGKILL);
  }
  EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace tutti::test
