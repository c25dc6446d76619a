// What the user's program computes takes virtual time: given, looked up, or measured.
#include <tutti/error.hpp>

#include "bus_rank.hpp"
#include "tests/support/complaint.hpp"

namespace tutti::ub::test {
namespace {

using tutti::test::complaint_of;

Profile with_kernels() {
  Profile profile = load_profile("ideal");
  profile.kernels = {
      {.kernel = "gemm",
       .dimensions = {"rows", "columns"},
       .points = {{.shape = {8, 64}, .time = ns(100)}, {.shape = {24, 64}, .time = ns(200)}}}};
  return profile;
}

TEST(Compute, PassesTheRanksTimeAtItsPace) {
  const Fault slow{.kind = Fault::Kind::kSlowRank, .at = {}, .rank = 1, .percent = 200};
  const SimulationReport report = simulate(
      {.profile = load_profile("ideal"), .fabric = {.faults = {slow}}}, 2, [](BusRank& rank) {
        Simulation::current()->compute(us(5) + ps(1));
        EXPECT_EQ(rank.now(), rank.rank() == 0 ? us(5) + ps(1) : us(10) + ps(2));
        Simulation::current()->compute(ps(0));
        EXPECT_EQ(rank.now(), rank.rank() == 0 ? us(5) + ps(1) : us(10) + ps(2));
      });
  expect_finished(report);
  EXPECT_TRUE(report.deterministic);
}

TEST(Compute, OfAStreamIsTheStreamsTimeAlone) {
  expect_finished(simulate("ideal", 1, [](BusRank& rank) {
    Scheduler& scheduler = rank.scheduler();
    const auto stream = scheduler.spawn({.rank = 0, .stream = 1}, scheduler.now(),
                                        [] { Simulation::current()->compute(us(7)); });
    Simulation::current()->compute(us(5));
    EXPECT_EQ(rank.now(), us(5)) << "both at once";
    scheduler.join(stream);
    EXPECT_EQ(rank.now(), us(7));
  }));
}

TEST(Compute, LooksUpAKernel) {
  expect_finished(simulate({.profile = with_kernels()}, 1, [](BusRank& rank) {
    const std::int64_t shape[] = {16, 64};
    Simulation::current()->compute("gemm", shape);
    EXPECT_EQ(rank.now(), ns(150));
  }));
}

TEST(Compute, OfWhatIsNotThereIsRefused) {
  expect_finished(simulate({.profile = with_kernels()}, 1, [](BusRank& rank) {
    Simulation& simulation = *Simulation::current();
    const std::int64_t shape[] = {16, 64};
    const std::int64_t other[] = {16, 32};
    EXPECT_EQ(complaint_of([&] { simulation.compute("softmax", shape); }),
              "profile 'ideal' has no kernel 'softmax', but [gemm]");
    EXPECT_EQ(complaint_of([&] { simulation.compute("gemm", other); }),
              "kernel 'gemm' has no point for the shape [16, 32]: beside 'rows' a shape is that of "
              "a point");
    EXPECT_EQ(complaint_of([&] { simulation.compute(ps(-1)); }),
              "a computation of -1 ps, expected 0 to " + std::to_string(kLongestTime));
    EXPECT_EQ(complaint_of([&] { simulation.compute_measured([] {}, 0); }),
              "0 percent of a time, expected 1 to 1000000");
    EXPECT_EQ(rank.now(), ps(0));
  }));
}

TEST(Compute, ThatIsMeasuredMakesNoRunLikeAnother) {
  const SimulationReport report = simulate("ideal", 1, [](BusRank& rank) {
    std::uint64_t sum = 1;
    Simulation::current()->compute_measured(
        [&] {
          for (int i = 0; i < 100'000; ++i) sum = mix64(sum);
        },
        1000);
    EXPECT_NE(sum, 1U);
    EXPECT_GT(rank.now(), us(1)) << "a hundred thousand steps, ten times";
  });
  expect_finished(report);
  EXPECT_FALSE(report.deterministic);
}

TEST(Compute, ThatIsMeasuredDoesNotCommunicate) {
  const SimulationReport report = simulate("ideal", 1, [](BusRank& rank) {
    Simulation::current()->compute_measured([&] { rank.transport->progress(); }, 100);
  });
  EXPECT_EQ(report.ranks[0].how, RankEnd::How::kFailed);
  EXPECT_EQ(report.ranks[0].why,
            "rank 0 communicated or waited in a measured computation: others ran on its thread "
            "meanwhile");
}

}  // namespace
}  // namespace tutti::ub::test
