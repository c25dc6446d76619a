// A rank behind a black hole: its connections stay and acknowledge everything, but nothing comes
// through. No system tells of that. Where silence is watched it is found, else by the calls' own
// deadline; both name the rank.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "tests/faults/checked_calls.hpp"
#include "tests/faults/proxied_rank.hpp"
#include "tests/support/process_world.hpp"

namespace tutti::test {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kSilenceTimeout = 2s;
constexpr Nanoseconds kFarTimeout = 60s;
constexpr int kRanks = 3;
constexpr Rank kLost = 1;

bool says(const std::string& text, const char* part) {
  if (text.find(part) != std::string::npos) return true;
  std::fprintf(stderr, "\"%s\" is not in: %s\n", part, text.c_str());
  return false;
}

void lose(ProxiedRank& proxied, Rank rank) {
  for (Rank peer = 0; peer < kRanks; ++peer) {
    if (peer != rank && (peer == kLost || rank == kLost))
      proxied.ways().proxy_to(peer).swallow_all();
  }
}

// Ranks that have exchanged something, in processes of their own; `silence_ms`: TUTTI_SILENCE_MS,
// or nullptr.
void run_ranks(Nanoseconds timeout, const char* silence_ms,
               const std::function<void(ProxiedRank& proxied, Rank rank)>& body) {
  MeetingPoint end;
  ProcessWorld world(kRanks, [&](int rank, const tuttiUniqueId& id) {
    if (silence_ms != nullptr) ::setenv("TUTTI_SILENCE_MS", silence_ms, 1);
    ProxiedRank proxied(id, kRanks, rank, timeout, [](Rank, int) { return TcpProxy::Passage{}; });
    proxied.join();
    RANK_CHECK(checked_all_to_all(proxied.comm(), 100, 0) == tuttiSuccess, proxied.comm());
    body(proxied, rank);
    RANK_CHECK(proxied.destroy() == tuttiSuccess, nullptr);
    end.meet(kRanks);
    return 0;
  });
  for (int rank = 0; rank < kRanks; ++rank) EXPECT_EQ(world.wait(rank), 0) << "rank " << rank;
}

void lose_one(ProxiedRank& proxied, Rank rank) {
  proxied.meet();
  lose(proxied, rank);
  proxied.meet();
}

TEST(SilentLinks, AreATimeoutThatNamesTheRank) {
  run_ranks(kSilenceTimeout, nullptr, [](ProxiedRank& proxied, Rank rank) {
    lose_one(proxied, rank);
    const tuttiComm_t comm = proxied.comm();
    RANK_CHECK(checked_all_to_all(comm, 100, 1) == tuttiTimeout, comm);
    // Who is lost misses one of the others, or both.
    const char* const missing = rank == kLost ? "did not arrive" : "rank 1 did not arrive";
    RANK_CHECK(says(tuttiGetLastError(comm), missing), comm);
    RANK_CHECK(tuttiBarrier(comm, nullptr) == tuttiTimeout, comm);
  });
}

// Long before the deadline: who hears that error has not waited for that.
TEST(SilentLinks, AreUnreachableWhereSilenceIsWatched) {
  run_ranks(kFarTimeout, "900", [](ProxiedRank& proxied, Rank rank) {
    lose_one(proxied, rank);
    const tuttiComm_t comm = proxied.comm();
    RANK_CHECK(checked_all_to_all(comm, 100, 1) == tuttiRemoteError, comm);
    const char* const found =
        rank == kLost ? "is unreachable from rank 1" : "rank 1 is unreachable from rank";
    RANK_CHECK(says(tuttiGetLastError(comm), found), comm);
    RANK_CHECK(says(tuttiGetLastError(comm), "nothing has come from its process"), comm);
  });
}

// A rank that computes, or that nobody waits for, is not silent: its process answers.
TEST(SilentLinks, AreNotThoseOfARankThatComputes) {
  run_ranks(kFarTimeout, "900", [](ProxiedRank& proxied, Rank rank) {
    if (rank == kLost) std::this_thread::sleep_for(3s);
    RANK_CHECK(checked_all_to_all(proxied.comm(), 100, 1) == tuttiSuccess, proxied.comm());
    proxied.meet();
  });
}

TEST(SilentLinks, FromTheBeginningFailTheSetUpByName) {
  MeetingPoint end;
  ProcessWorld world(2, [&](int rank, const tuttiUniqueId& id) {
    ProxiedRank proxied(id, 2, rank, kSilenceTimeout, [](Rank, int) {
      return TcpProxy::Passage{.there = {.passes = 0, .end = TcpProxy::End::kSilence}};
    });
    int status = 1;
    try {
      proxied.join();
    } catch (const Error& error) {
      // The first waits for nobody; in the meeting it hears that the other one has left.
      const bool expected = rank == 0 ? says(error.what(), "rank 1")
                                      : error.code() == tuttiTimeout &&
                                            says(error.what(), "rank 0 did not answer rank 1");
      status = expected ? 0 : 2;
    }
    end.meet(2);
    return status;
  });
  for (int rank = 0; rank < 2; ++rank) EXPECT_EQ(world.wait(rank), 0) << "rank " << rank;
}

}  // namespace
}  // namespace tutti::test
