// What each kind of a rank's own work costs, to the picosecond, and at whose expense.
#include <tutti/error.hpp>

#include "bus_rank.hpp"
#include "transports/ub/bus/work_costs.hpp"

namespace tutti::ub::test {
namespace {

Decimal decimal(const char* text) { return *Decimal::parse(text); }

// Four cores a die.
Profile with_software() {
  Profile profile = load_profile("cloudmatrix384");
  profile.software = Software{.cores = 4,
                              .operator_entry_ns = decimal("10"),
                              .core_sync_ns = decimal("20.0001"),
                              .row_issue_ns = decimal("0"),
                              .flag_ns = decimal("50"),
                              .count_ns = decimal("3"),
                              .poll_ns = decimal("7"),
                              .token_load_GBps = decimal("2"),
                              .quantise_GBps = decimal("4"),
                              .local_copy_GBps = decimal("8"),
                              .reduce_GBps = decimal("16")};
  return profile;
}

WorkCosts costs(const Profile& profile, const std::string& per = "die") {
  return WorkCosts(Topology(profile, {.ranks = 2, .per = per}));
}

TEST(WorkCosts, AreThoseOfTheProfileRoundedUp) {
  const WorkCosts cost = costs(with_software());
  EXPECT_FALSE(cost.free());
  EXPECT_EQ(cost.of(LocalWork::entry()), ns(10));
  EXPECT_EQ(cost.of(LocalWork::sync()), ps(20'001));
  EXPECT_EQ(cost.of(LocalWork::counts(1)), ns(3)) << "one core waits for nobody";
  EXPECT_EQ(cost.of(LocalWork::counts(2)), ps(3'000 + 20'001));
  EXPECT_EQ(cost.of(LocalWork::counts(5)), ps(6'000 + 2 * 20'001)) << "2, 1, 1, 1; two stages";
  EXPECT_EQ(cost.of(LocalWork::looks(1)), ns(7));
  EXPECT_EQ(cost.of(LocalWork::looks(4)), ns(7)) << "a core each";
  EXPECT_EQ(cost.of(LocalWork::looks(9)), ns(7 + 2 * 3)) << "3, 2, 2, 2, all asked for at once";
  EXPECT_EQ(cost.of(LocalWork::copy(3)), ps(375));
  EXPECT_EQ(cost.of(LocalWork::reduce(3)), ps(188)) << "187.5";
  EXPECT_EQ(cost.flag(), ps(12'500)) << "four cores raise flags";
  EXPECT_EQ(cost.poll(), ns(7));
}

TEST(WorkCosts, TokensArePipelinedOverTheCores) {
  const WorkCosts cost = costs(with_software());
  EXPECT_EQ(cost.of(LocalWork::load({.count = 1, .bytes = 100})), ns(50));
  EXPECT_EQ(cost.of(LocalWork::load({.count = 4, .bytes = 100})), ns(50));
  EXPECT_EQ(cost.of(LocalWork::load({.count = 9, .bytes = 100})), ns(150)) << "3, 2, 2, 2";
  EXPECT_EQ(cost.of(LocalWork::quantise({.count = 1, .bytes = 100})), ns(75));
  EXPECT_EQ(cost.of(LocalWork::quantise({.count = 9, .bytes = 100})), ns(75 + 2 * 50))
      << "loads are slower";
  Profile profile = with_software();
  profile.software->quantise_GBps = decimal("1");
  EXPECT_EQ(costs(profile).of(LocalWork::quantise({.count = 9, .bytes = 100})), ns(150 + 2 * 100))
      << "quantising is slower";
}

TEST(WorkCosts, APackageHasTheCoresAndTheMemoryOfBothDies) {
  const WorkCosts cost = costs(with_software(), "package");
  EXPECT_EQ(cost.of(LocalWork::looks(8)), ns(7));
  EXPECT_EQ(cost.of(LocalWork::load({.count = 9, .bytes = 100})), ns(100));
  EXPECT_EQ(cost.of(LocalWork::copy(3)), ps(188));
  EXPECT_EQ(cost.of(LocalWork::reduce(4)), ps(125));
  EXPECT_EQ(cost.flag(), ps(6250));
  EXPECT_EQ(cost.of(LocalWork::counts(9)), ps(6'000 + 3 * 20'001)) << "eight cores";
}

TEST(WorkCosts, NothingCostsNothing) {
  const WorkCosts cost = costs(with_software());
  EXPECT_EQ(cost.of(LocalWork::copy(0)), ps(0));
  EXPECT_EQ(cost.of(LocalWork::reduce(0)), ps(0));
  EXPECT_EQ(cost.of(LocalWork::looks(0)), ps(0));
  EXPECT_EQ(cost.of(LocalWork::counts(0)), ps(0));
  EXPECT_EQ(cost.of(LocalWork::load({.count = 0, .bytes = 100})), ps(0));
  EXPECT_EQ(cost.of(LocalWork::quantise({.count = 0, .bytes = 100})), ps(0));
  EXPECT_EQ(cost.of(LocalWork::quantise({.count = 5, .bytes = 0})), ps(0));
}

TEST(WorkCosts, StayWhereTimeEnds) {
  const WorkCosts cost = costs(with_software());
  const LocalWork::Tokens many{.count = SIZE_MAX, .bytes = SIZE_MAX};
  EXPECT_EQ(cost.of(LocalWork::copy(SIZE_MAX)), ps(kLongestTime));
  EXPECT_EQ(cost.of(LocalWork::load(many)), ps(kLongestTime));
  EXPECT_EQ(cost.of(LocalWork::quantise(many)), ps(kLongestTime));
}

TEST(WorkCosts, FieldsOfZeroCostNothing) {
  Profile profile = with_software();
  for (Decimal Software::*field : {&Software::operator_entry_ns, &Software::core_sync_ns,
                                   &Software::flag_ns, &Software::count_ns, &Software::poll_ns}) {
    profile.software.value().*field = decimal("0");
  }
  const WorkCosts cost = costs(profile);
  for (const LocalWork& work :
       {LocalWork::entry(), LocalWork::sync(), LocalWork::counts(9), LocalWork::looks(9)}) {
    EXPECT_EQ(cost.of(work), ps(0));
  }
  EXPECT_EQ(cost.flag(), ps(0));
}

TEST(WorkCosts, AreFreeOnTheWireAndOnTheIdealFabric) {
  for (const char* name : {"cloudmatrix384-wire", "ideal"}) {
    const WorkCosts cost = costs(load_profile(name), "");
    EXPECT_TRUE(cost.free()) << name;
    EXPECT_EQ(cost.of(LocalWork::entry()), ps(0));
    EXPECT_EQ(cost.of(LocalWork::copy(1 << 20)), ps(0));
    simulate(name, 1, [](BusRank& rank) {
      EXPECT_FALSE(rank.transport->charges());
      rank.transport->charge(LocalWork::entry());
      EXPECT_EQ(rank.now(), ps(0));
    });
  }
}

TEST(OwnWork, TakesTheCallersTimeAtItsPace) {
  // A third more: 10 ns are 13.3 ns, 20.001 ns are 26.60133 ns.
  const Fault slow{.kind = Fault::Kind::kSlowRank, .at = ns(10), .rank = 1, .percent = 133};
  expect_finished(
      simulate({.profile = with_software(), .fabric = {.faults = {slow}}}, 2, [](BusRank& rank) {
        EXPECT_TRUE(rank.transport->charges());
        rank.transport->charge(LocalWork::entry());
        EXPECT_EQ(rank.now(), ns(10)) << "nobody is slow yet";
        rank.transport->charge(LocalWork::entry());
        EXPECT_EQ(rank.now(), ns(10) + (rank.rank() == 1 ? ps(13'300) : ns(10)));
        rank.transport->charge(LocalWork::sync());
        EXPECT_EQ(rank.now(), rank.rank() == 1 ? ps(10'000 + 13'300 + 26'602) : ps(40'001));
      }));
}

TEST(OwnWork, LetsOthersGoFirst) {
  const std::vector<std::byte> source = bytes_of(64, 1);
  expect_finished(simulate({.profile = with_software()}, 2, [&](BusRank& rank) {
    if (rank.rank() == 0) {
      rank.put(1, 0, source);
      rank.transport->charge(LocalWork::copy(1 << 20));
    } else {
      EXPECT_EQ(rank.data()[1], std::byte{0});
      rank.transport->charge(LocalWork::copy(1 << 20));
      EXPECT_EQ(std::memcmp(rank.data(), source.data(), source.size()), 0)
          << "it has arrived meanwhile";
    }
  }));
}

// A fault ends a rank in the middle of its work, and its destructors run.
TEST(OwnWork, EndsWithTheRanksNode) {
  const Fault fault{.kind = Fault::Kind::kNode, .at = us(50), .node = 0};
  bool unwound = false;
  bool went_on = false;
  const SimulationReport report =
      simulate({.profile = with_software(), .fabric = {.faults = {fault}}}, 1, [&](BusRank& rank) {
        struct Guard {
          bool& flag;
          ~Guard() { flag = true; }
        } const guard{unwound};
        rank.transport->charge(LocalWork::copy(1 << 20));  // 131 us
        went_on = true;
      });
  EXPECT_EQ(report.ranks[0].how, RankEnd::How::kDied);
  EXPECT_TRUE(unwound);
  EXPECT_FALSE(went_on);
}

}  // namespace
}  // namespace tutti::ub::test
