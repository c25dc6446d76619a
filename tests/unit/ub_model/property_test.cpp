// What holds for any traffic.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/twice_the_bandwidth.hpp"
#include "traffic.hpp"
#include "transports/ub/engine/mix.hpp"

namespace tutti::ub::test {

namespace {

constexpr Spraying kSprayings[] = {Spraying::kSummed, Spraying::kPerCell, Spraying::kMessageHash,
                                   Spraying::kLeastLoaded, Spraying::kPinned};

// Writes of m rows to each of some peers, at once.
std::vector<Send> dispatch(int ranks, int puts, std::uint32_t rows, std::uint64_t row_bytes,
                           std::uint64_t seed) {
  std::vector<Send> traffic;
  for (int put = 0; put < puts; ++put) {
    for (int rank = 0; rank < ranks; ++rank) {
      const std::uint64_t random = split_mix64(split_mix64(seed + static_cast<std::uint64_t>(put)) +
                                               static_cast<std::uint64_t>(rank));
      traffic.push_back(
          {.transfer = {.rank = rank,
                        .peer = static_cast<int>(random % static_cast<unsigned>(ranks)),
                        .rows = rows,
                        .bytes = rows * row_bytes}});
    }
  }
  return traffic;
}

// FNV-1a over the arrival times.
std::uint64_t digest(const Outcome& outcome) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::vector<Picoseconds>* times : {&outcome.left, &outcome.arrived, &outcome.lost}) {
    for (const Picoseconds time : *times) {
      auto value = static_cast<std::uint64_t>(time.count());
      for (int i = 0; i < 8; ++i, value >>= 8) hash = (hash ^ (value & 0xff)) * 0x100000001b3u;
    }
  }
  return hash;
}

}  // namespace

TEST(AnyTraffic, IsNeverFasterThanTheBound) {
  for (const std::string_view name : profile_names()) {
    const Profile profile = load_profile(std::string(name));
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      const int ranks = 2 + static_cast<int>(split_mix64(seed) % 40);
      const Topology topology(profile, {.ranks = ranks});
      const auto span =
          Picoseconds(static_cast<std::int64_t>(split_mix64(seed + 100) % 20'000'000));
      const std::vector<Send> traffic = random_traffic(ranks, 1500, span, seed);
      for (const ModelLevel level : kQueueLevels) {
        for (const Spraying spraying : kSprayings) {
          const Outcome outcome =
              run_traffic(topology, {.level = level, .spraying = spraying}, traffic);
          EXPECT_GE(outcome.last, outcome.bound)
              << name << ", seed " << seed << ", level " << static_cast<int>(level) << ", spraying "
              << static_cast<int>(spraying);
        }
      }
    }
  }
}

TEST(AnyTraffic, NoTransferIsFasterThanAlone) {
  const Topology topology(load_profile("cloudmatrix384"), {.ranks = 40});
  const std::vector<Send> traffic = random_traffic(40, 2000, Picoseconds(5'000'000), 7);
  for (const ModelLevel level : kQueueLevels) {
    const Outcome outcome = run_traffic(topology, {.level = level}, traffic);
    for (std::size_t i = 0; i < traffic.size(); ++i) {
      const Transfer& transfer = traffic[i].transfer;
      const FabricPath& path = topology.path(transfer.rank, transfer.peer, transfer.direction);
      EXPECT_GE(outcome.arrived[i],
                traffic[i].at + path.before_port + path.flight + path.port.time(transfer.bytes))
          << "seed 7, transfer " << i;
    }
  }
}

TEST(AnyTraffic, TwiceTheBandwidthIsNeverSlower) {
  for (const char* name : {"cloudmatrix384", "cloudmatrix384-wire", "h800-ib", "gb200-nvl72"}) {
    const Profile profile = load_profile(name);
    const Profile fast = with_twice_the_bandwidth(profile);
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
      const int ranks = 2 + static_cast<int>(split_mix64(seed) % 60);
      const std::vector<Send> traffic = random_traffic(
          ranks, 2000, Picoseconds(static_cast<std::int64_t>(split_mix64(seed) % 10'000'000)),
          seed);
      const Outcome once = run_traffic(Topology(profile, {.ranks = ranks}), {}, traffic);
      const Outcome twice = run_traffic(Topology(fast, {.ranks = ranks}), {}, traffic);
      EXPECT_LE(twice.last, once.last) << name << ", seed " << seed;
    }
  }
}

TEST(AnyTraffic, RowsOfOneCallMayTravelTogether) {
  for (const std::uint64_t row_bytes : {64u, 512u, 7168u}) {
    for (const std::uint32_t rows : {2u, 4u, 7u}) {
      SCOPED_TRACE(testing::Message() << rows << " rows of " << row_bytes << " B");
      const Topology topology(load_profile("cloudmatrix384"), {.ranks = 64});
      const std::vector<Send> together = dispatch(64, 192, rows, row_bytes, 3);
      std::vector<Send> apart;
      for (const Send& put : together) {
        Send row = put;
        row.transfer.rows = 1;
        row.transfer.bytes = row_bytes;
        apart.insert(apart.end(), rows, row);
      }
      const Outcome a = run_traffic(topology, {}, together);
      const Outcome b = run_traffic(topology, {}, apart);
      EXPECT_LE(a.events, b.events);  // rows apart may share events too
      EXPECT_NEAR(a.last_us(), b.last_us(), 0.01 * b.last_us());
    }
  }
}

// One put alone: the rows that the cores cannot start at once come later.
TEST(AnyTraffic, TheCoresIssueOfRowsTravelsAlong) {
  const Topology topology(load_profile("cloudmatrix384"), {.ranks = 32});
  for (const std::uint32_t rows : {1u, 47u, 48u, 49u, 500u}) {
    const Transfer put{.rank = 0, .peer = 16, .rows = rows, .bytes = std::uint64_t{64} * rows};
    const Transfer row{.rank = 0, .peer = 16, .bytes = 64};
    const Outcome together = run_traffic(topology, {}, {{.transfer = put}});
    const Outcome apart = run_traffic(topology, {}, std::vector<Send>(rows, {.transfer = row}));
    // At level cell, 500 small rows wait for credits: each takes the room of a cell.
    const Outcome cells = run_traffic(topology, {.level = ModelLevel::kCell}, {{.transfer = put}});
    EXPECT_NEAR(together.last_us(), apart.last_us(), 0.01 * apart.last_us()) << rows;
    if (rows < 128) {
      EXPECT_NEAR(cells.last_us(), apart.last_us(), 0.01 * apart.last_us()) << rows;
    }
    // 48 cores, 0.99 us a row.
    const std::uint32_t rounds = (rows - 1) / 48;
    EXPECT_NEAR(apart.last_us(), 2.1 + 0.99 * rounds, 0.03) << rows;
  }
}

// Random rows fill the ports at every level; sprayed cells meet in the receiver's planes by chance.
TEST(AnyTraffic, LevelsAgreeOnADispatch) {
  const Topology topology(load_profile("cloudmatrix384"), {.ranks = 96});
  const std::vector<Send> traffic = dispatch(96, 512, 1, 7168, 1);
  const double message = run_traffic(topology, {}, traffic).last_us();
  const auto cell = [&](Spraying spraying) {
    return run_traffic(topology, {.level = ModelLevel::kCell, .spraying = spraying}, traffic)
        .last_us();
  };
  EXPECT_NEAR(cell(Spraying::kSummed), message, 0.03 * message);
  EXPECT_NEAR(cell(Spraying::kPerCell), message, 0.35 * message);
}

TEST(AnyTraffic, LevelsAgreeWhereNothingIsShared) {
  const Topology topology(load_profile("cloudmatrix384"), {.ranks = 32});
  const std::vector<Send> one = {{.transfer = {.rank = 3, .peer = 30, .bytes = 1 << 20}}};
  const Outcome bound = run_traffic(topology, {.level = ModelLevel::kBound}, one);
  const Outcome message = run_traffic(topology, {.level = ModelLevel::kMessage}, one);
  const Outcome cell = run_traffic(topology, {.level = ModelLevel::kCell}, one);
  EXPECT_EQ(bound.last, message.last);
  EXPECT_NEAR(cell.last_us(), message.last_us(), 0.001 * message.last_us());
}

// Equal on every machine and compiler. When a change of the model changes these, it changes every
// prediction: say so where you change them.
TEST(AnyTraffic, HasExactlyTheseTimes) {
  struct Case {
    const char* profile;
    ModelLevel level;
    Spraying spraying;
    std::uint64_t digest;
  };
  const Case cases[] = {
      {"cloudmatrix384", ModelLevel::kBound, Spraying::kSummed, 0x9a3cd05b5affb40f},
      {"cloudmatrix384", ModelLevel::kMessage, Spraying::kSummed, 0xffa7a1c59a85c4b8},
      {"cloudmatrix384", ModelLevel::kMessage, Spraying::kMessageHash, 0x7376ff7c6e8db752},
      {"cloudmatrix384", ModelLevel::kMessage, Spraying::kLeastLoaded, 0xb2bd23f1d53ae695},
      {"cloudmatrix384", ModelLevel::kCell, Spraying::kSummed, 0xbafd0de1fae3cfb4},
      {"cloudmatrix384", ModelLevel::kCell, Spraying::kPerCell, 0x4e4f037ab3ba8984},
      {"h800-ib", ModelLevel::kMessage, Spraying::kSummed, 0x0d3b46fc88b5eb3e},
      {"h800-ib", ModelLevel::kCell, Spraying::kPinned, 0x34543657e80b18f3},
  };
  const std::vector<Send> traffic = random_traffic(48, 3000, Picoseconds(3'000'000), 42);
  const std::vector<Fault> faults = {
      {.kind = Fault::Kind::kPlane, .at = Picoseconds(2'000'000), .plane = Fault::kAny},
      {.kind = Fault::Kind::kSlowRank, .at = Picoseconds(1'000'000), .percent = 300}};
  for (const Case& c : cases) {
    Profile profile = load_profile(c.profile);
    std::vector<Fault> own = faults;
    own[0].network = c.profile == std::string("h800-ib") ? 0 : profile.network_named("bus");
    const Outcome outcome =
        run_traffic(Topology(profile, {.ranks = 48}),
                    {.level = c.level, .spraying = c.spraying, .faults = own, .seed = 5}, traffic);
    EXPECT_EQ(digest(outcome), c.digest)
        << std::hex << "0x" << digest(outcome) << " for " << c.profile << ", level "
        << static_cast<int>(c.level) << ", spraying " << static_cast<int>(c.spraying);
  }
}

}  // namespace tutti::ub::test
