// A connection between two ranks that both live ends anywhere: no result that is wrong is complete,
// every rank gets an error that names who is missing, nothing hangs, and the communicator can be
// destroyed. In the handshake it may also be made again.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>

#include "tests/faults/checked_calls.hpp"
#include "tests/faults/proxied_rank.hpp"
#include "tests/support/process_world.hpp"
#include "transports/tcp/handshake.hpp"

namespace tutti::test {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kCutTimeout = 20s;  // far longer than any wait here should take
constexpr Rank kEnds[] = {0, 1};          // of the connection
// Of who connects; who listens says less.
constexpr std::uint64_t kHandshakeBytes = tcp::kHelloBytes + tcp::kProofBytes;
constexpr std::uint64_t kAnswerBytes = tcp::kChallengeBytes + tcp::kVerdictBytes;
// Until that is over on both sides, who connects begins again.
constexpr int kRoundsOfHealed = 6;

struct Cut {
  Rank from;            // the bytes of this end are counted
  std::uint64_t bytes;  // after so many
  TcpProxy::End end;
};

// The first connection between the two.
TcpProxy::Passage passage_of(const Cut& cut, Rank rank, Rank peer, int connection) {
  TcpProxy::Passage passage;
  const bool is_it = connection == 0 && rank <= kEnds[1] && peer <= kEnds[1];
  if (!is_it) return passage;
  TcpProxy::Way& way = rank == cut.from ? passage.there : passage.back;
  way.passes = cut.bytes;
  way.end = cut.end;
  return passage;
}

// Does what all ranks are told, before the local facts, name who is missing? Of three ranks the two
// ends may each have told the third one that the other is dead, and it may be dead to both by then.
bool names_a_rank(const std::string& text) {
  const std::string told = text.substr(0, text.find(" | "));
  return told.find("rank ") != std::string::npos || told.find("ranks ") != std::string::npos;
}

// What comes garbled is no death.
bool is_clear(tuttiResult_t code, const std::string& text, const Cut& cut) {
  const bool expected =
      code == tuttiRemoteError || (code == tuttiSystemError && cut.end == TcpProxy::End::kGarble);
  return expected && names_a_rank(text);
}

tuttiResult_t call(tuttiComm_t comm, CheckedMoe& moe, int round, std::string& text) {
  const std::size_t count = round % 2 == 0 ? 40 : 3'000;
  tuttiResult_t code = checked_all_reduce(comm, count, round % 1000);
  if (code == tuttiSuccess) code = checked_all_to_all(comm, count, round % 1000);
  if (code == tuttiSuccess) code = checked_ring(comm, count, round % 1000);
  if (code != tuttiSuccess) {
    text = tuttiGetLastError(comm);
    return code;
  }
  code = moe.step(round % 1000);
  if (code != tuttiSuccess) text = moe.last_error();
  return code;
}

int complain(const char* what, int rank, tuttiResult_t code, const std::string& text) {
  std::fprintf(stderr, "rank %d: %s: code %d: %s\n", rank, what, code, text.c_str());
  return 1;
}

// Repeats all calls until one fails.
int use(ProxiedRank& proxied, int rank, const Cut& cut) {
  const bool may_heal = cut.bytes <= kHandshakeBytes && cut.end != TcpProxy::End::kGarble;
  std::string text;
  tuttiResult_t code = tuttiSuccess;
  {
    CheckedMoe moe(proxied.comm(), 12, 64);
    code = moe.result();
    if (code != tuttiSuccess) text = moe.last_error();
    for (int round = 0; code == tuttiSuccess; ++round) {
      if (may_heal && round == kRoundsOfHealed) break;
      code = call(proxied.comm(), moe, round, text);
    }
  }
  if (code != tuttiSuccess && !is_clear(code, text, cut)) {
    return complain("a call", rank, code, text);
  }
  if (code == tuttiSuccess) proxied.meet();
  code = proxied.destroy();
  return code == tuttiSuccess ? 0 : complain("the end", rank, code, tuttiGetLastError(nullptr));
}

int survive(ProxiedRank& proxied, int rank, const Cut& cut) {
  try {
    proxied.join();
    return use(proxied, rank, cut);
  } catch (const Error& error) {
    return is_clear(error.code(), error.what(), cut)
               ? 0
               : complain("the beginning", rank, error.code(), error.what());
  }
}

class CutLinks : public testing::TestWithParam<int> {
 protected:
  static void cut(int ranks, const Cut& cut) {
    SCOPED_TRACE(testing::Message() << "after " << cut.bytes << " bytes from rank " << cut.from);
    MeetingPoint end;
    // Each process and its proxies wait for the others, so that none hears by another one's end.
    ProcessWorld world(ranks, [&](int rank, const tuttiUniqueId& id) {
      ProxiedRank proxied(id, ranks, rank, kCutTimeout, [&](Rank peer, int connection) {
        return passage_of(cut, rank, peer, connection);
      });
      const int status = survive(proxied, rank, cut);
      end.meet(ranks);
      return status;
    });
    for (int rank = 0; rank < ranks; ++rank) {
      EXPECT_EQ(world.wait(rank), 0) << "rank " << rank;
    }
  }
  static void cut_both_ways(int ranks, std::uint64_t bytes) {
    for (const auto end : {TcpProxy::End::kClose, TcpProxy::End::kReset}) {
      for (const Rank from : kEnds) cut(ranks, {.from = from, .bytes = bytes, .end = end});
    }
  }
};

TEST_P(CutLinks, InTheHandshakeHealOrFailClearly) {
  for (const std::uint64_t bytes : {0u, 50u, 96u, 103u, 127u}) {
    cut_both_ways(GetParam(), bytes);
  }
}

TEST_P(CutLinks, InAHeaderNameWhoIsMissing) {
  for (const std::uint64_t bytes : {1u, 20u, 31u}) {
    cut_both_ways(GetParam(), kHandshakeBytes + bytes);
  }
}

TEST_P(CutLinks, AnywhereNameWhoIsMissing) {
  std::mt19937 random(20261128);
  for (int i = 0; i < 5; ++i) {
    // More of the small ones: half of all calls are.
    const std::uint64_t most = i % 2 == 0 ? 4'000 : 200'000;
    cut_both_ways(GetParam(), kHandshakeBytes + 32 + random() % most);
  }
}

// From the first header on.
TEST_P(CutLinks, ThatBringRubbishAreCut) {
  cut(GetParam(), {.from = 0, .bytes = kAnswerBytes, .end = TcpProxy::End::kGarble});
  cut(GetParam(), {.from = 1, .bytes = kHandshakeBytes, .end = TcpProxy::End::kGarble});
}

INSTANTIATE_TEST_SUITE_P(Ranks, CutLinks, testing::Values(2, 3));

}  // namespace
}  // namespace tutti::test
