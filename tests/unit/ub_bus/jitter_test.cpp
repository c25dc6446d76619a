// Chance that is the same in every run: jitter is a function of seed, rank and number.
#include <tutti/error.hpp>

#include "bus_rank.hpp"

namespace tutti::ub::test {
namespace {

SimulationReport exchange(const JitterOptions& jitter) {
  constexpr int kRanks = 8;
  SimulationReport report = simulate(
      {.profile = load_profile("cloudmatrix384"), .jitter = jitter}, kRanks, [](BusRank& rank) {
        for (int step = 1; step < kRanks; ++step) {
          rank.transport->charge(LocalWork::load({.count = 100, .bytes = 7168}));
          rank.post((rank.rank() + step) % kRanks, static_cast<LineId>(10 + rank.rank()), 1);
        }
        for (Rank peer = 0; peer < kRanks; ++peer) {
          if (peer != rank.rank()) rank.await_line(static_cast<LineId>(10 + peer), 1);
        }
      });
  expect_finished(report);
  return report;
}

TEST(Jitter, IsTheSameForASeedAndAnotherForAnother) {
  const SimulationReport none = exchange({});
  const SimulationReport a = exchange({.percent = 20, .seed = 1});
  EXPECT_EQ(exchange({.percent = 20, .seed = 1}).arrivals, a.arrivals);
  EXPECT_NE(exchange({.percent = 20, .seed = 2}).arrivals, a.arrivals);
  EXPECT_NE(exchange({.percent = 10, .seed = 1}).arrivals, a.arrivals);
  EXPECT_NE(a.arrivals, none.arrivals);
  EXPECT_EQ(exchange({.percent = 0, .seed = 7}).arrivals, none.arrivals);
  EXPECT_EQ(a.payload, none.payload);
}

// Durations of 1000 computations of 1 us on rank 0, while rank 1 does `others` of its own.
std::vector<std::int64_t> draws(const JitterOptions& jitter, int others) {
  std::vector<std::int64_t> durations;
  simulate({.profile = load_profile("ideal"), .jitter = jitter}, 2, [&](BusRank& rank) {
    const int count = rank.rank() == 0 ? 1000 : others;
    for (int i = 0; i < count; ++i) {
      const Picoseconds before = rank.now();
      Simulation::current()->compute(us(1));
      if (rank.rank() == 0) durations.push_back((rank.now() - before).count());
    }
  });
  return durations;
}

TEST(Jitter, StaysWithinItsPercentageAndKeepsTheMean) {
  const std::vector<std::int64_t> durations = draws({.percent = 30, .seed = 3}, 0);
  std::int64_t sum = 0;
  for (const std::int64_t duration : durations) sum += duration;
  const auto [least, most] = std::minmax_element(durations.begin(), durations.end());
  EXPECT_GE(*least, 700'000);
  EXPECT_LE(*most, 1'300'000);
  EXPECT_LT(*least, 710'000) << "of a thousand, some are near the ends";
  EXPECT_GT(*most, 1'290'000);
  EXPECT_NEAR(static_cast<double>(sum) / 1000, 1e6, 20'000);
}

TEST(Jitter, OfARankDoesNotDependOnOthers) {
  const JitterOptions jitter{.percent = 30, .seed = 3};
  EXPECT_EQ(draws(jitter, 0), draws(jitter, 500));
  EXPECT_NE(draws(jitter, 0), draws({.percent = 30, .seed = 4}, 0));
}

TEST(Jitter, IsTheProfilesUnlessTheRunSaysOtherwise) {
  Profile profile = load_profile("cloudmatrix384");
  profile.software->jitter_percent = 25;
  const auto end = [&](std::optional<int> percent) {
    return simulate({.profile = profile, .jitter = {.percent = percent}}, 1,
                    [](BusRank&) { Simulation::current()->compute(us(1)); })
        .end;
  };
  EXPECT_NE(end(std::nullopt), us(1));
  EXPECT_EQ(end(25), end(std::nullopt));
  EXPECT_EQ(end(0), us(1));
}

TEST(Jitter, ThatIsNoPercentageIsRefused) {
  for (const int percent : {-1, 101}) {
    try {
      const Simulation simulation(
          {.profile = load_profile("ideal"), .jitter = {.percent = percent}});
      ADD_FAILURE() << percent;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), tuttiInvalidArgument);
      EXPECT_EQ(std::string(error.what()),
                "jitter of " + std::to_string(percent) + " percent, expected 0 to 100");
    }
  }
}

}  // namespace
}  // namespace tutti::ub::test
