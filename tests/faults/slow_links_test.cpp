// Connections that are slow, or cut what is sent into pieces of any size: results are the same.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/faults/checked_calls.hpp"
#include "tests/faults/proxied_rank.hpp"
#include "tests/support/process_world.hpp"
#include "tests/support/scale.hpp"

namespace tutti::test {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kSlowTimeout = 60s;

struct SlowCase {
  const char* name;
  TcpProxy::Way way;
  int rounds = 3;  // of the larger calls
};

void PrintTo(const SlowCase& slow, std::ostream* out) { *out << slow.name; }

// The first call links every rank to every other; children of the communicator use these links.
int call_everything(ProxiedRank& rank, const SlowCase& slow) {
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t count : {1u, 777u, 25'000u}) {
      if (count > 1000 && round >= slow.rounds) continue;
      const tuttiComm_t comm = rank.comm();
      RANK_CHECK(checked_all_to_all(comm, count, round) == tuttiSuccess, comm);
      RANK_CHECK(checked_all_reduce(comm, count, round) == tuttiSuccess, comm);
      RANK_CHECK(checked_ring(comm, count, round) == tuttiSuccess, comm);
    }
  }
  CheckedMoe moe(rank.comm(), 13, 300);
  RANK_CHECK(moe.result() == tuttiSuccess, rank.comm());
  for (int round = 0; round < 3; ++round) {
    if (moe.step(round) == tuttiSuccess) continue;
    std::fprintf(stderr, "%s\n", moe.last_error());
    return 1;
  }
  return 0;
}

class SlowLinks : public testing::TestWithParam<std::tuple<SlowCase, int>> {};

TEST_P(SlowLinks, ChangeNoResult) {
  const auto& [slow, ranks] = GetParam();
  ProcessWorld world(ranks, [slow = slow, ranks = ranks](int rank, const tuttiUniqueId& id) {
    try {
      ProxiedRank proxied(id, ranks, rank, kSlowTimeout, [&](Rank, int) {
        return TcpProxy::Passage{slow.way, slow.way};
      });
      proxied.join();
      if (const int status = call_everything(proxied, slow)) return status;
      int connections = 0;
      for (Rank peer = 0; peer < rank; ++peer) {
        connections += proxied.ways().proxy_to(peer).connections();
      }
      // Everybody has called rank 0.
      if (rank > 0) RANK_CHECK(connections > 0, proxied.comm());
      proxied.meet();
      RANK_CHECK(proxied.destroy() == tuttiSuccess, nullptr);
      proxied.meet();
      return 0;
    } catch (const Error& error) {
      std::fprintf(stderr, "rank %d: %s\n", rank, error.what());
      return 1;
    }
  });
  for (int rank = 0; rank < ranks; ++rank) EXPECT_EQ(world.wait(rank, 120s), 0) << "rank " << rank;
}

INSTANTIATE_TEST_SUITE_P(
    Ways, SlowLinks,
    testing::Combine(testing::Values(SlowCase{"late", {.delay = 2ms}},
                                     SlowCase{"byte by byte", {.piece = 1}, 1},
                                     SlowCase{"odd pieces", {.piece = 977, .varies = true}},
                                     SlowCase{"late odd pieces",
                                              {.piece = 2'000, .varies = true, .delay = 200us}}),
                     testing::Values(2, 3)));

}  // namespace
}  // namespace tutti::test
