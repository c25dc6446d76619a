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

constexpr Size kSizes[] = {
    {OperationKind::kBarrier, 0},          {OperationKind::kAllReduce, 8},
    {OperationKind::kAllReduce, 256},      {OperationKind::kAllReduce, 4096},
    {OperationKind::kAllReduce, 65536},    {OperationKind::kReduceScatter, 64},
    {OperationKind::kReduceScatter, 1024}, {OperationKind::kAllGather, 8},
    {OperationKind::kAllGather, 1024},     {OperationKind::kBroadcast, 64},
    {OperationKind::kBroadcast, 65536},    {OperationKind::kGather, 256},
    {OperationKind::kAlltoAll, 8},         {OperationKind::kAlltoAll, 512},
    {OperationKind::kAlltoAll, 4096}};

void expect_good_choice(int rank, tuttiComm_t comm, perf::Race& race, const Size& size,
                        double percent) {
  void* memory = nullptr;
  int ranks = 0;
  expect_ok(tuttiCommCount(comm, &ranks), comm);
  const std::size_t all = std::max<std::size_t>(static_cast<std::size_t>(ranks) * size.bytes, 64);
  expect_ok(tuttiMemAlloc(&memory, 2 * all), nullptr);
  auto* const send = static_cast<std::byte*>(memory);
  const Request request{
      .kind = size.kind, .send = send, .recv = send + all, .count = size.bytes, .type = tuttiInt8};
  const auto entrants = race.run(comm, request, takes_part);
  if (rank == 0) {
    const auto [chosen, fastest] = perf::judge(entrants, comm->selection().choose(request));
    EXPECT_LE(chosen.us, fastest.us * (1 + percent / 100))
        << name_of(size.kind) << " " << size.bytes << " B: " << name_of(chosen.choice)
        << ", fastest is " << name_of(fastest.choice);
    EXPECT_NEAR(chosen.predicted_us, chosen.us, 0.25 * chosen.us)
        << name_of(size.kind) << " " << size.bytes << " B: " << name_of(chosen.choice);
  }
  expect_ok(tuttiMemFree(memory), nullptr);
}

class Selected : public testing::TestWithParam<Fabric> {};

TEST_P(Selected, IsAsFastAsTheFastest) {
  const Fabric& fabric = GetParam();
  const auto n = static_cast<std::size_t>(fabric.ranks);
  perf::Race race(fabric.ranks);
  const auto body = [&](int rank, tuttiComm_t comm) {
    for (const Size& size : kSizes) {
      if (n * n * size.bytes > kMostBytes) continue;
      expect_good_choice(rank, comm, race, size, fabric.percent);
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
                                                       {"cloudmatrix384", "die", 128, 12},
                                                       {"ascend950-supernode", "", 96, 15},
                                                       {"ascend950-supernode", "", 200, 15},
                                                       {"h800-ib", "", 96, 15}}));

// What peers answer a root comes while it still posts to others: of 768 dies that is 15 us, and by
// their sum the choice was 14 % slower than the fastest.
TEST(SelectedOfManyRanks, AreForARootThatIsAnsweredWhileItAsks) {
  constexpr int kDies = kSanitized ? 32 : 768;
  perf::Race race(kDies);
  run_on_bus({.profile = ub::load_profile("cloudmatrix384"),
              .placement = {.per = "die"},
              .payload_digest = false,
              .timing_only = true},
             kDies, [&](int rank, tuttiComm_t comm) {
               for (const OperationKind kind :
                    {OperationKind::kBroadcast, OperationKind::kGather, OperationKind::kScatter}) {
                 expect_good_choice(rank, comm, race, {kind, 8192}, 5);
               }
             });
}

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
