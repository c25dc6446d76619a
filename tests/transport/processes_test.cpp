// The part of the contract that needs ranks in processes of their own. This process forks before it
// uses the library.
#include <signal.h>
#include <sys/wait.h>

#include <fstream>

#include "memory/heap.hpp"
#include "tests/transport/shared_bootstrap.hpp"
#include "tests/transport/transport_rank.hpp"

namespace tutti::test {

namespace {

class TransportOfProcesses : public testing::TestWithParam<TransportKind> {
 protected:
  static constexpr int kKilled = -SIGKILL;

  // Runs body(rank) in a process per rank. A rank that fails an expectation exits with 1. Returns
  // how the ranks ended.
  std::vector<int> run(int ranks, const std::function<void(TransportRank&)>& body) const {
    SharedMeeting meeting(ranks);
    std::vector<pid_t> pids;
    for (Rank number = 0; number < ranks; ++number) {
      const pid_t pid = ::fork();
      if (pid == 0) {
        ::alarm(200);  // a rank that hangs ends here
        try {
          TransportRank rank(GetParam(), std::make_unique<SharedBootstrap>(meeting, number));
          body(rank);
        } catch (const std::exception& error) {
          ADD_FAILURE() << "rank " << number << ": " << error.what();
        }
        std::fflush(nullptr);
        ::_exit(HasFailure() ? 1 : 0);
      }
      pids.push_back(pid);
    }
    std::vector<int> ends;
    for (const pid_t pid : pids) {
      int status = 0;
      ::waitpid(pid, &status, 0);
      ends.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
    }
    return ends;
  }

  static int mappings_of(const std::string& name) {
    std::ifstream maps("/proc/self/maps");
    int count = 0;
    for (std::string line; std::getline(maps, line);) count += line.find(name) != std::string::npos;
    return count;
  }
};

}  // namespace

TEST_P(TransportOfProcesses, MemoryOfAnotherProcessIsMappedOnFirstUse) {
  const auto ends = run(3, [](TransportRank& rank) {
    constexpr std::size_t kBytes = 5000;
    Heap& heap = Heap::of_this_process();
    auto* const mine = static_cast<std::byte*>(heap.allocate(kBytes));
    fill_pattern({mine, kBytes}, rank.rank(), 1);
    const auto offsets = all_gather_value(rank.bootstrap(), *heap.offset_of(mine, kBytes));
    const int before = mappings_of("tutti-heap");
    for (Rank peer = 0; peer < rank.ranks(); ++peer) {
      const auto seen = rank.heap().view(peer, offsets[static_cast<std::size_t>(peer)], kBytes);
      if (!rank.transport().access(peer).views) {
        EXPECT_TRUE(seen.empty());
        continue;
      }
      ASSERT_EQ(seen.size(), kBytes);
      EXPECT_TRUE(has_pattern(seen, peer, 1));
      EXPECT_TRUE(peer == rank.rank() ||
                  rank.process().view(peer, reinterpret_cast<std::uintptr_t>(mine), 1).empty());
    }
    if (rank.transport().access(0).shared_words) {
      EXPECT_GE(mappings_of("tutti-heap"), before + rank.ranks() - 1);
    }
    rank.meet();
  });
  EXPECT_EQ(ends, (std::vector<int>{0, 0, 0}));
}

TEST_P(TransportOfProcesses, GetReadsPrivateMemoryOfAnotherProcess) {
  const auto ends = run(2, [](TransportRank& rank) {
    const Rank peer = 1 - rank.rank();
    constexpr std::size_t kRows = 200;  // more pieces than one call to the kernel takes
    constexpr std::size_t kRowBytes = 700;
    std::vector<std::byte> mine(kRows * kRowBytes);
    fill_pattern(mine, rank.rank(), 1);
    const auto addresses =
        all_gather_value(rank.bootstrap(), reinterpret_cast<std::uintptr_t>(mine.data()));
    const std::size_t base = addresses[static_cast<std::size_t>(peer)];
    if (rank.transport().access(peer).gets) {
      std::vector<std::byte> copy(mine.size());
      std::vector<Fetch> pieces;
      for (std::size_t row = 0; row < kRows; ++row) {
        const std::size_t at = (row * 7 % kRows) * kRowBytes;
        pieces.push_back({peer, std::span(copy).subspan(at, kRowBytes), base + at});
      }
      rank.process().get(pieces);
      EXPECT_TRUE(has_pattern(copy, peer, 1));
      // What is not there is an error, also behind something that is.
      const Fetch absent[] = {{peer, std::span(copy).first(8), base},
                              {peer, std::span(copy).first(8), 64}};
      EXPECT_THROW(rank.process().get(absent), Error);
    }
    rank.meet();
  });
  EXPECT_EQ(ends, (std::vector<int>{0, 0}));
}

TEST_P(TransportOfProcesses, AGetFromADeadProcessFails) {
  const auto ends = run(2, [](TransportRank& rank) {
    std::vector<std::byte> mine(100);
    const auto addresses =
        all_gather_value(rank.bootstrap(), reinterpret_cast<std::uintptr_t>(mine.data()));
    rank.meet();
    if (rank.rank() == 1) ::raise(SIGKILL);
    ASSERT_TRUE(rank.await([&] { return rank.transport().peer_state(1) == PeerState::kDead; }));
    if (!rank.transport().access(1).gets) return;
    const Fetch fetch{1, mine, addresses[1]};
    // The process may be a zombie, whose memory is gone, or no process any more.
    EXPECT_THROW(rank.process().get({&fetch, 1}), Error);
  });
  EXPECT_EQ(ends, (std::vector<int>{0, kKilled}));
}

TEST_P(TransportOfProcesses, LinesAndPutsCrossProcesses) {
  const auto ends = run(2, [](TransportRank& rank) {
    const Rank peer = 1 - rank.rank();
    std::vector<std::byte> source(1000);
    for (std::uint64_t round = 1; round <= 500; ++round) {
      fill_pattern(source, rank.rank(), round);
      rank.put(rank.control(), peer, TransportRank::area(rank.rank()), source);
      rank.control().flush(peer, TransportRank::kDeadline);
      rank.post(peer, rank.line(0, rank.rank()), round);
      // Every other round without spinning: asleep across processes.
      if (round % 2 == 0) {
        ASSERT_TRUE(rank.sleep_until(rank.own_bell(),
                                     [&] { return rank.shows(rank.line(0, peer), round); }));
      } else {
        ASSERT_TRUE(rank.await(rank.line(0, peer), round));
      }
      EXPECT_TRUE(has_pattern(
          rank.control().local().subspan(TransportRank::area(peer), source.size()), peer, round));
      rank.post(peer, rank.line(1, rank.rank()), round);
      ASSERT_TRUE(rank.await(rank.line(1, peer), round));
    }
    rank.meet();
  });
  EXPECT_EQ(ends, (std::vector<int>{0, 0}));
}

TEST_P(TransportOfProcesses, DeathOfAProcessIsSeen) {
  // The lowest rank watches the others, who watch it: each side of that once.
  for (const Rank victim : {0, 1, 2}) {
    const auto ends = run(3, [victim](TransportRank& rank) {
      rank.meet();
      if (rank.rank() == victim) ::raise(SIGKILL);
      EXPECT_TRUE(rank.sleep_until(rank.own_bell(), [&] {
        return rank.own_bell().alarm.load(std::memory_order_acquire) != 0;
      }));
      EXPECT_TRUE(
          rank.await([&] { return rank.transport().peer_state(victim) == PeerState::kDead; }));
      for (Rank peer = 0; peer < rank.ranks(); ++peer) {
        EXPECT_TRUE(peer == victim || rank.transport().peer_state(peer) != PeerState::kDead);
      }
    });
    for (Rank rank = 0; rank < 3; ++rank) {
      EXPECT_EQ(ends[static_cast<std::size_t>(rank)], rank == victim ? kKilled : 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Transports, TransportOfProcesses, testing::ValuesIn(process_kinds()),
                         [](const testing::TestParamInfo<TransportKind>& param) {
                           return std::string(param.param.name);
                         });

}  // namespace tutti::test
