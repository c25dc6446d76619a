// What a network of datagrams writes into its peers' memory, seen from the windows above it.
#include <atomic>
#include <string>
#include <vector>

#include "memory/heap.hpp"
#include "tests/transport/fake_network.hpp"
#include "tests/transport/transport_rank.hpp"

namespace tutti::test {

namespace {

constexpr std::size_t kBytes = 20'000;

void run_on(std::unique_ptr<Transport> (*open)(Bootstrap&), int ranks,
            const std::function<void(TransportRank&)>& body) {
  const TransportKind kind{"fake", open, run_on_threads, yield_thread};
  kind.run(ranks, [&](std::unique_ptr<Bootstrap> bootstrap) {
    TransportRank rank(kind, std::move(bootstrap));
    body(rank);
    rank.meet();
  });
}

// Each of two ranks puts kBytes to the other, and gets them back.
void put_and_get(TransportRank& rank) {
  std::vector<std::byte> source(kBytes), place(kBytes), back(kBytes);
  fill_pattern(source, rank.rank(), 1);
  const Rank peer = 1 - rank.rank();
  const auto addresses =
      all_gather_value(rank.bootstrap(), reinterpret_cast<std::uintptr_t>(place.data()));
  const std::size_t there = addresses[static_cast<std::size_t>(peer)];
  rank.put(rank.process(), peer, there, source);
  rank.process().flush(peer, TransportRank::kDeadline);
  rank.post(peer, rank.line(0, rank.rank()), 1);
  ASSERT_TRUE(rank.await(rank.line(0, peer), 1));
  EXPECT_TRUE(has_pattern(place, peer, 1));
  const Fetch fetch{peer, back, there};
  rank.process().get({&fetch, 1});
  EXPECT_TRUE(has_pattern(back, rank.rank(), 1));
  rank.meet();
}

const FakeHabits kWriting{.name = "writing", .registers_local = true, .writes = FakeWrites{}};
const FakeHabits kWithoutData{.name = "writing_without_data",
                              .writes = FakeWrites{.data_bytes = 2}};
const FakeHabits kWithoutRegions{.name = "writing_without_regions",
                                 .writes = FakeWrites{.most_regions = 0}};
std::atomic<bool> are_held{false};
const FakeHabits kHolding{.name = "writing_held", .writes = FakeWrites{.held = &are_held}};

}  // namespace

TEST(Writes, CarryPutsAndAnswers) {
  run_on([](Bootstrap& bootstrap) { return open_on_fake(kWriting, bootstrap); }, 2, put_and_get);
  EXPECT_EQ(writes_on_fake(kWriting), 4U) << "a put and an answer each way";
}

TEST(Writes, AreNotUsedWhereTheirArrivalIsNotTold) {
  run_on([](Bootstrap& bootstrap) { return open_on_fake(kWithoutData, bootstrap); }, 2,
         put_and_get);
  EXPECT_EQ(writes_on_fake(kWithoutData), 0U);
}

TEST(Writes, ThatCannotBeRegisteredTravelAsMessages) {
  run_on([](Bootstrap& bootstrap) { return open_on_fake(kWithoutRegions, bootstrap); }, 2,
         put_and_get);
  EXPECT_EQ(writes_on_fake(kWithoutRegions), 0U);
}

// A get that nobody waits for any more: its memory is its owner's, whatever is under way to it, and
// the link goes on.
TEST(Writes, ChangeNothingAfterAGetHasGivenUp) {
  run_on(
      [](Bootstrap& bootstrap) {
        return open_on_fake(kHolding, bootstrap, std::chrono::milliseconds(300));
      },
      2,
      [](TransportRank& rank) {
        std::vector<std::byte> theirs(kBytes), mine(kBytes, std::byte{1});
        fill_pattern(theirs, rank.rank(), 1);
        const auto addresses =
            all_gather_value(rank.bootstrap(), reinterpret_cast<std::uintptr_t>(theirs.data()));
        if (rank.rank() == 0) {
          are_held = true;
          const Fetch fetch{1, mine, addresses[1]};
          EXPECT_THROW(rank.process().get({&fetch, 1}), Error);
          are_held = false;
        }
        rank.meet();
        if (rank.rank() == 0) {
          std::vector<std::byte> again(kBytes);
          const Fetch fetch{1, again, addresses[1]};
          rank.process().get({&fetch, 1});
          EXPECT_TRUE(has_pattern(again, 1, 1));
          EXPECT_EQ(mine, std::vector<std::byte>(kBytes, std::byte{1}));
        }
        rank.meet();
      });
}

// Memory that is not there is an error of who named it, as with messages.
TEST(Writes, ToMemoryThatIsNotThereEndTheLink) {
  run_on([](Bootstrap& bootstrap) { return open_on_fake(kWriting, bootstrap); }, 2,
         [](TransportRank& rank) {
           if (rank.rank() == 1) {
             const std::vector<std::byte> source(kBytes);
             rank.put(rank.process(), 0, 4096, source);
             rank.transport().progress();
           } else {
             EXPECT_TRUE(rank.await([&] { return rank.transport().failure().has_value(); }));
             const auto failure = rank.transport().failure();
             ASSERT_TRUE(failure);
             EXPECT_NE(std::string(failure->what()).find("where nothing is"), std::string::npos)
                 << failure->what();
           }
           rank.meet();
         });
}

}  // namespace tutti::test
