// Who relays a token: one of those that want it, wherever several of one place do.
#include "moe/relays.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "moe/relay_block.hpp"
#include "oracle.hpp"

namespace tutti::moe {
namespace {

// Ranks that have the same host are near each other.
class HostCosts final : public Costs {
 public:
  explicit HostCosts(std::vector<int> hosts, double near_bytes_per_ns = 10)
      : hosts_(std::move(hosts)), near_bytes_per_ns_(near_bytes_per_ns) {}

  int host(Rank rank) const { return hosts_[static_cast<std::size_t>(rank)]; }
  int ranks() const { return static_cast<int>(hosts_.size()); }

  Path path(Rank from, Rank to) const noexcept override {
    if (from == to) return {};
    if (host(from) == host(to)) {
      return {.hop_class = 2,
              .latency_ns = 100,
              .bytes_per_ns = near_bytes_per_ns_,
              .read_latency_ns = 200,
              .read_bytes_per_ns = near_bytes_per_ns_};
    }
    return {.hop_class = 4,
            .latency_ns = 10'000,
            .bytes_per_ns = 1,
            .read_latency_ns = 20'000,
            .read_bytes_per_ns = 1};
  }
  double work_ns(const LocalWork&) const noexcept override { return 0; }
  double post_ns(const Path&) const noexcept override { return 60; }
  double issue_ns(std::size_t) const noexcept override { return 0; }

 private:
  std::vector<int> hosts_;
  double near_bytes_per_ns_;
};

struct Routed {
  Routed(const HostCosts& costs, int lanes, unsigned seed)
      : placement(Placement::contiguous(4 * costs.ranks(), costs.ranks())),
        entries(kTokens * static_cast<std::size_t>(lanes)),
        table(placement, {kTokens, lanes}, entries) {
    std::mt19937 random(seed);
    const auto step =
        oracle::make_step(random, oracle::kChoices[0], placement.num_experts(), lanes, {kTokens});
    table.build({.indices = step.sources[0].experts.data(),
                 .type = tuttiInt32,
                 .row_stride = static_cast<std::size_t>(lanes),
                 .tokens = kTokens,
                 .lanes = lanes});
  }
  void assign(Relays& relays) { relays.assign(entries, table.offsets(), kTokens); }
  bool all_direct() const {
    const auto all = table.entries();
    return std::all_of(all.begin(), all.end(),
                       [](const Entry& entry) { return entry.via() == Entry::kDirect; });
  }

  static constexpr int kTokens = 50;
  Placement placement;
  std::vector<Entry> entries;
  RoutingTable table;
};

Relays::Setting setting(const HostCosts& costs, Rank self, std::size_t row_bytes = 14'336) {
  return {.self = self, .ranks = costs.ranks(), .row_bytes = row_bytes};
}

// Hosts of 3, 1, 2 and 4 ranks, not all of them consecutive.
const std::vector<int> kHosts = {0, 0, 1, 2, 3, 3, 0, 2, 3, 3};

TEST(Relays, AreOneOfThoseThatWantTheTokenWhereverSeveralOfAFarHostDo) {
  const HostCosts costs(kHosts);
  for (Rank self = 0; self < costs.ranks(); ++self) {
    Relays relays(&costs, setting(costs, self));
    Routed before(costs, 6, 7), after(costs, 6, 7);
    after.assign(relays);
    // By token and host: who wants it, and how it comes.
    std::map<std::pair<std::uint32_t, int>, std::map<Rank, std::uint32_t>> visits;
    for (Rank rank = 0; rank < costs.ranks(); ++rank) {
      const auto plain = before.table.entries_for(rank), told = after.table.entries_for(rank);
      ASSERT_EQ(plain.size(), told.size());
      for (std::size_t i = 0; i < told.size(); ++i) {
        EXPECT_EQ(plain[i].token, told[i].token);
        EXPECT_EQ(plain[i].lane(), told[i].lane());
        EXPECT_EQ(plain[i].expert(), told[i].expert());
        const auto [visit, is_new] =
            visits[{told[i].token, costs.host(rank)}].emplace(rank, told[i].via());
        EXPECT_EQ(visit->second, told[i].via()) << "entries of one token at one rank differ";
      }
    }
    for (const auto& [where, ranks] : visits) {
      const bool relayed = ranks.size() > 1 && where.second != costs.host(self);
      Rank relay = -1;
      for (const auto& [rank, via] : ranks) {
        if (via == Entry::kRelayed) {
          EXPECT_EQ(relay, -1) << "two relays";
          relay = rank;
        }
      }
      EXPECT_EQ(relay != -1, relayed);
      if (relay == -1) continue;
      const Relays there(&costs, setting(costs, relay));
      for (const auto& [rank, via] : ranks) {
        if (rank == relay) continue;
        ASSERT_GE(via, Entry::kFirstMate);
        EXPECT_EQ(there.mates()[via - Entry::kFirstMate], relay);
      }
    }
  }
}

TEST(Relays, TakeTurns) {
  const HostCosts costs({0, 1, 1, 1});
  Relays relays(&costs, setting(costs, 0));
  Routed routed(costs, 14, 3);  // all but every token visits all
  routed.assign(relays);
  std::map<Rank, int> relayed;
  for (Rank rank = 1; rank < 4; ++rank) {
    const auto entries = routed.table.entries_for(rank);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      relayed[rank] += RelayBlock::begins(entries, i) ? 1 : 0;
    }
  }
  for (Rank rank = 1; rank < 4; ++rank) EXPECT_GT(relayed[rank], Routed::kTokens / 5);
}

TEST(Relays, AreNoneOnOneHostNorWhereEachRankIsAlone) {
  for (const auto& hosts : {std::vector<int>{0, 0, 0}, std::vector<int>{0, 1, 2}}) {
    const HostCosts costs(hosts);
    EXPECT_TRUE(Relays(&costs, setting(costs, 1)).none());
  }
  EXPECT_TRUE(Relays(nullptr, {.self = 0, .ranks = 4}).none());
}

// Mates are known to all of a host by the same numbers, also to those that never need them.
TEST(Relays, AreAgreedOnByRanksThatAreAlone) {
  const HostCosts costs({0, 1, 1});
  const Relays alone(&costs, setting(costs, 0)), mate(&costs, setting(costs, 2));
  EXPECT_FALSE(alone.none());
  EXPECT_THAT(mate.mates(), testing::ElementsAre(1, 2));
}

TEST(Relays, AreNotUsedWhereTheDetourTakesMoreThanItSaves) {
  const HostCosts costs(kHosts), hardly_faster(kHosts, 1.5);
  const auto all_direct = [](const HostCosts& these, const Relays::Setting& by) {
    Relays relays(&these, by);
    Routed routed(these, 6, 7);
    routed.assign(relays);
    return routed.all_direct();
  };
  EXPECT_FALSE(all_direct(costs, setting(costs, 0)));
  EXPECT_TRUE(all_direct(costs, setting(costs, 0, 4)));  // bytes of a row
  EXPECT_TRUE(all_direct(hardly_faster, setting(costs, 0)));
  auto by = setting(costs, 0, 4);
  by.use = Relays::Use::kAlways;
  EXPECT_FALSE(all_direct(costs, by));
  by = setting(costs, 0);
  by.use = Relays::Use::kNever;
  EXPECT_TRUE(all_direct(costs, by));
}

}  // namespace
}  // namespace tutti::moe
