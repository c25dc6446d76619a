// What the model of the algorithms chooses on a simulated fabric is as fast as the fastest that
// there is: every candidate runs, and is timed.
#include <gtest/gtest.h>

#include "perf/selection/race.hpp"
#include "tests/support/bus_world.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

struct Size {
  OperationKind kind;
  std::size_t bytes;  // count, of bytes
};

struct Fabric {
  const char* profile;
  const char* per;
  int ranks;
  double percent;  // that the choice may be slower
};

void PrintTo(const Fabric& fabric, std::ostream* out) {
  *out << fabric.profile << "_" << fabric.per << "_" << fabric.ranks;
}

// The whole table, and more ranks on more fabrics, is tutti-selection's (docs/selection.md).
bool takes_part(const AlgorithmChoice& choice) {
  return choice.group == 1 || choice.group == 2 || choice.group == 8 || choice.group == 48;
}

// Of all ranks' rows; more takes long.
constexpr std::size_t kMostBytes = std::size_t{40} << 20;

class Selected : public testing::TestWithParam<Fabric> {};

TEST_P(Selected, IsAsFastAsTheFastest) {
  const Fabric& fabric = GetParam();
  const auto n = static_cast<std::size_t>(fabric.ranks);
  perf::Race race(fabric.ranks);
  const auto body = [&](int rank, tuttiComm_t comm) {
    for (const auto& [kind, bytes] :
         {Size{OperationKind::kBarrier, 0}, Size{OperationKind::kAllReduce, 8},
          Size{OperationKind::kAllReduce, 256}, Size{OperationKind::kAllReduce, 4096},
          Size{OperationKind::kAllReduce, 65536}, Size{OperationKind::kReduceScatter, 64},
          Size{OperationKind::kReduceScatter, 1024}, Size{OperationKind::kAllGather, 8},
          Size{OperationKind::kAllGather, 1024}, Size{OperationKind::kBroadcast, 64},
          Size{OperationKind::kBroadcast, 65536}, Size{OperationKind::kGather, 256},
          Size{OperationKind::kAlltoAll, 8}, Size{OperationKind::kAlltoAll, 512},
          Size{OperationKind::kAlltoAll, 4096}}) {
      if (n * n * bytes > kMostBytes) continue;
      void* memory = nullptr;
      const std::size_t all = std::max<std::size_t>(n * bytes, 64);
      expect_ok(tuttiMemAlloc(&memory, 2 * all), nullptr);
      auto* const send = static_cast<std::byte*>(memory);
      const Request request{
          .kind = kind, .send = send, .recv = send + all, .count = bytes, .type = tuttiInt8};
      const auto entrants = race.run(comm, request, takes_part);
      if (rank == 0) {
        const Selection& selection = comm->selection();
        const auto [chosen, fastest] = perf::judge(entrants, selection.choose(request));
        EXPECT_LE(chosen.us, fastest.us * (1 + fabric.percent / 100))
            << name_of(kind) << " " << bytes << " B: " << name_of(chosen.choice) << ", fastest is "
            << name_of(fastest.choice);
        EXPECT_NEAR(chosen.predicted_us, chosen.us, 0.25 * chosen.us)
            << name_of(kind) << " " << bytes << " B: " << name_of(chosen.choice);
      }
      expect_ok(tuttiMemFree(memory), nullptr);
    }
  };
  run_on_bus({.profile = ub::load_profile(fabric.profile), .placement = {.per = fabric.per}},
             fabric.ranks, body);
}

INSTANTIATE_TEST_SUITE_P(
    Fabrics, Selected,
    testing::ValuesIn(kSanitized ? std::vector<Fabric>{{"cloudmatrix384", "package", 16, 5}}
                                 : std::vector<Fabric>{{"cloudmatrix384", "package", 384, 5},
                                                       {"cloudmatrix384", "package", 96, 5},
                                                       {"cloudmatrix384-wire", "package", 96, 5},
                                                       {"cloudmatrix384", "die", 128, 15},
                                                       {"ascend950-supernode", "", 96, 15},
                                                       {"ascend950-supernode", "", 200, 15},
                                                       {"h800-ib", "", 96, 15}}));

TEST(Explanation, NamesTheLosersAndTheirTimes) {
  run_on_bus(
      {.profile = ub::load_profile("cloudmatrix384"), .placement = {.per = "package"}}, 16,
      [](int rank, tuttiComm_t comm) {
        if (rank != 0) return;
        const Request request{.kind = OperationKind::kAllReduce, .count = 8, .type = tuttiInt8};
        const std::vector<Selection::Candidate> all = comm->selection().candidates(request);
        ASSERT_GE(all.size(), 6u);
        EXPECT_TRUE(
            std::is_sorted(all.begin(), all.end(), [](auto& a, auto& b) { return a.ns < b.ns; }));
        EXPECT_EQ(comm->selection().choose(request), all.front().choice);
        // With the same costs they take as long.
        ASSERT_NE(comm->selection().costs(), nullptr);
        const auto again = comm->selection().candidates(request, *comm->selection().costs());
        ASSERT_EQ(again.size(), all.size());
        for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(again[i].ns, all[i].ns);
      });
}

}  // namespace
}  // namespace tutti::test
