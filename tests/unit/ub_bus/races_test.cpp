// The race checker: programs that read and write without order, and the same with the line that
// was missing. All of them deliver the right bytes in this run, at these times.
#include <gmock/gmock.h>

#include "bus_rank.hpp"

namespace tutti::ub::test::races {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t kBytes = 4096;
constexpr LineId kReady = 8;
constexpr LineId kTaken = 9;
constexpr LineId kOther = 10;

SimulationOptions looking() {
  return {.profile = load_profile("cloudmatrix384-wire"), .races = RaceOptions{}};
}

std::vector<std::string> races_of(int ranks, const RankBody& body) {
  const SimulationReport report = simulate(looking(), ranks, body);
  expect_finished(report);
  EXPECT_EQ(report.races_found != 0, !report.races.empty());
  return report.races;
}

// What the channel does for algorithms.
struct Program {
  BusRank& rank;
  ChannelWatch& watch = *rank.transport->watch();

  void writes(std::size_t offset, std::size_t bytes) {
    watch.touches(Write{rank.data() + offset, bytes});
  }
  void reads(const void* data, std::size_t bytes) { watch.touches(Read{data, bytes}); }
  void reads(std::size_t offset, std::size_t bytes) { reads(rank.data() + offset, bytes); }
  void acquires(LineId line, std::uint64_t value) {
    ASSERT_TRUE(rank.await_line(line, value));
    watch.acquired(reinterpret_cast<const Line*>(rank.control->local().data())[line]);
  }
  std::span<const std::byte> views(Rank peer, std::size_t offset, std::size_t bytes) {
    return rank.control->view(peer, BusRank::kData + offset, bytes);
  }
};

// --- Reads of bytes whose write has not arrived.

std::vector<std::string> put_and_read(bool awaits) {
  const std::vector<std::byte> bytes(kBytes);
  return races_of(2, [&](BusRank& rank) {
    Program program{rank};
    if (rank.rank() == 0) {
      rank.put(1, 64, bytes);
      rank.post(1, kReady, 1);
      rank.heap->flush(1, Nanoseconds::max());
      rank.control->flush(1, Nanoseconds::max());
    } else {
      if (awaits) program.acquires(kReady, 1);
      program.reads(64, kBytes);
    }
    rank.advance(us(10));
  });
}

TEST(Races, AReadBeforeThePutHasArrived) {
  EXPECT_THAT(put_and_read(false),
              ElementsAre(AllOf(HasSubstr("rank 1 reads [16448, 20544) of rank 1's control segment "
                                          "(staging) at 0 ps"),
                                HasSubstr("rank 0's put at 0 ps"), HasSubstr("has not arrived"))));
  EXPECT_THAT(put_and_read(true), IsEmpty());
}

// A line to a third rank says nothing of a put.
std::vector<std::string> told_by(Rank teller) {
  const std::vector<std::byte> bytes(kBytes);
  return races_of(3, [&](BusRank& rank) {
    Program program{rank};
    if (rank.rank() == 0) {
      rank.put(1, 0, bytes);
      rank.post(1, kReady, 1);
      rank.post(2, kReady, 1);
      rank.control->flush(1, Nanoseconds::max());
    } else if (rank.rank() == 1) {
      program.acquires(kReady, 1);
      rank.post(2, kReady + 1, 1);
    } else {
      program.acquires(kReady + static_cast<LineId>(teller), 1);
      rank.advance(us(10));
      program.views(1, 0, kBytes);
    }
    rank.advance(us(20));
  });
}

TEST(Races, ALineToAThirdRankDoesNotCoverAPut) {
  EXPECT_THAT(told_by(0), ElementsAre(AllOf(HasSubstr("rank 2 views [16384, 20480) of rank 1's"),
                                            HasSubstr("rank 0's put"),
                                            HasSubstr("any line that rank 2 has acquired"))));
  EXPECT_THAT(told_by(1), IsEmpty());
}

// --- Reads that no acquired line orders.

std::vector<std::string> write_and_view(bool acquires) {
  return races_of(2, [&](BusRank& rank) {
    Program program{rank};
    if (rank.rank() == 0) {
      program.writes(0, kBytes);
      rank.post(1, kReady, 1);
    } else {
      rank.advance(us(5));
      if (acquires) program.acquires(kReady, 1);
      program.views(0, 128, 64);
    }
    rank.advance(us(10));
  });
}

TEST(Races, AViewThatNoLineOrders) {
  EXPECT_THAT(write_and_view(false),
              ElementsAre(AllOf(HasSubstr("rank 1 views [16512, 16576) of rank 0's"),
                                HasSubstr("rank 0's write at 0 ps"),
                                HasSubstr("is not before that by any line"))));
  EXPECT_THAT(write_and_view(true), IsEmpty());
}

TEST(Races, OrderGoesThroughOtherRanks) {
  EXPECT_THAT(races_of(4,
                       [&](BusRank& rank) {
                         Program program{rank};
                         if (rank.rank() == 0) program.writes(0, kBytes);
                         if (rank.rank() > 0) program.acquires(kReady, 1);
                         if (rank.rank() < 3) rank.post(rank.rank() + 1, kReady, 1);
                         if (rank.rank() == 3) program.views(0, 0, kBytes);
                         rank.advance(us(10));
                       }),
              IsEmpty());
}

// --- Writes over bytes that are not read yet.

enum class Writer { kOwner, kPut };

std::vector<std::string> write_over(Writer writer, bool awaits) {
  const std::vector<std::byte> bytes(kBytes);
  return races_of(2, [&](BusRank& rank) {
    Program program{rank};
    const Rank reader = writer == Writer::kOwner ? 1 : 0;
    if (rank.rank() == reader) {
      const auto data = program.views(0, 0, kBytes);
      program.reads(data.data(), data.size());
      rank.post(1 - reader, kTaken, 1);
    } else {
      if (awaits) {
        program.acquires(kTaken, 1);
      } else {
        rank.advance(us(10));
      }
      if (writer == Writer::kOwner) {
        program.writes(0, 64);
      } else {
        rank.put(0, 0, bytes);
        rank.control->flush(0, Nanoseconds::max());
      }
    }
    rank.advance(us(20));
  });
}

TEST(Races, AWriteOverBytesThatAPeerReads) {
  EXPECT_THAT(write_over(Writer::kOwner, false),
              testing::Contains(AllOf(HasSubstr("rank 0 writes [16384, 16448) of rank 0's"),
                                      HasSubstr("rank 1's view"),
                                      HasSubstr("no line that says it has ended"))));
  EXPECT_THAT(write_over(Writer::kOwner, true), IsEmpty());
}

TEST(Races, APutOverBytesThatTheirOwnerReads) {
  EXPECT_THAT(write_over(Writer::kPut, false),
              testing::Contains(AllOf(HasSubstr("rank 1 puts [16384, 20480) of rank 0's"),
                                      HasSubstr("rank 0's read"))));
  EXPECT_THAT(write_over(Writer::kPut, true), IsEmpty());
}

std::vector<std::string> write_over_source(bool flushes) {
  return races_of(2, [&](BusRank& rank) {
    Program program{rank};
    if (rank.rank() == 0) {
      rank.put(1, 0, {rank.data(), kBytes});
      if (flushes) rank.control->flush(1, Nanoseconds::max());
      program.writes(0, kBytes);
      rank.control->flush(1, Nanoseconds::max());
    }
    rank.advance(us(20));
  });
}

TEST(Races, AWriteOverTheSourceOfAPut) {
  EXPECT_THAT(write_over_source(false), ElementsAre(AllOf(HasSubstr("rank 0 writes [16384, 20480)"),
                                                          HasSubstr("rank 0's put from there"))));
  EXPECT_THAT(write_over_source(true), IsEmpty());
}

// Two puts to one place may overtake each other, though they come from one rank.
std::vector<std::string> put_twice(bool waits) {
  const std::vector<std::byte> bytes(kBytes);
  return races_of(2, [&](BusRank& rank) {
    Program program{rank};
    if (rank.rank() == 0) {
      rank.put(1, 0, bytes);
      rank.post(1, kReady, 1);
      if (waits) program.acquires(kTaken, 1);
      rank.put(1, 0, bytes);
      rank.control->flush(1, Nanoseconds::max());
    } else {
      program.acquires(kReady, 1);
      rank.post(0, kTaken, 1);
    }
    rank.advance(us(20));
  });
}

TEST(Races, TwoPutsToOnePlace) {
  EXPECT_THAT(put_twice(false),
              ElementsAre(AllOf(HasSubstr("rank 0 puts"), HasSubstr("rank 0's put"))));
  EXPECT_THAT(put_twice(true), IsEmpty());
}

// A line's content is read until the operation ends.
std::vector<std::string> post_twice(bool waits) {
  return races_of(2, [&](BusRank& rank) {
    Program program{rank};
    if (rank.rank() == 0) {
      rank.post(1, kReady, 1);
      if (waits) {
        program.acquires(kTaken, 1);
      } else {
        rank.advance(us(10));
      }
      rank.post(1, kReady, 2);
    } else {
      program.acquires(kReady, 1);
      program.watch.uses_content(
          reinterpret_cast<const Line*>(rank.control->local().data())[kReady]);
      program.watch.leaves();
      rank.post(0, kTaken, 1);
    }
    rank.advance(us(20));
  });
}

TEST(Races, APostOverALineThatIsRead) {
  EXPECT_THAT(post_twice(false), ElementsAre(AllOf(HasSubstr("rank 0 posts [512, 576) of rank 1's "
                                                             "control segment (lines)"),
                                                   HasSubstr("rank 1's reading of the line"))));
  EXPECT_THAT(post_twice(true), IsEmpty());
}

// --- Views that are kept too long.

std::vector<std::string> keep_view(bool views_again) {
  return races_of(2, [&](BusRank& rank) {
    Program program{rank};
    if (rank.rank() == 0) {
      program.writes(0, kBytes);
      rank.post(1, kReady, 1);
      program.acquires(kTaken, 1);
      program.writes(0, kBytes);
      rank.post(1, kOther, 1);
    } else {
      program.acquires(kReady, 1);
      auto data = program.views(0, 0, kBytes);
      program.reads(data.data(), kBytes);
      rank.post(0, kTaken, 1);
      program.acquires(kOther, 1);
      if (views_again) data = program.views(0, 0, kBytes);
      program.reads(data.data(), kBytes);
    }
    rank.advance(us(20));
  });
}

TEST(Races, AViewThatIsKeptWhenItsOwnerHasWrittenAgain) {
  EXPECT_THAT(keep_view(false),
              ElementsAre(AllOf(HasSubstr("rank 1 reads [16384, 20480) of rank 0's"),
                                HasSubstr("came after the view through which rank 1 reads"))));
  EXPECT_THAT(keep_view(true), IsEmpty());
}

// --- Streams: fibres of one rank, which know what they tell each other.

std::vector<std::string> two_streams(bool told) {
  return races_of(2, [&](BusRank& rank) {
    Program program{rank};
    FibreHost& host = *current_context().host;
    if (rank.rank() == 0) {
      program.writes(0, kBytes);
      rank.post(1, kReady, 1);
    } else {
      const auto stream = host.spawn([&] {
        program.watch.enters({"stream", 1, 1, [](std::uint64_t) { return std::string("A"); }});
        rank.advance(us(20));
        if (told) host.hears(&program);
        program.views(0, 0, kBytes);
      });
      rank.advance(us(1));
      program.acquires(kReady, 1);
      if (told) host.tells(&program);
      rank.advance(us(40));
      host.join(stream);
    }
    rank.advance(us(10));
  });
}

TEST(Races, WhatOneStreamHasAcquiredAnotherHasNot) {
  EXPECT_THAT(two_streams(false), ElementsAre(AllOf(HasSubstr("rank 1 views"),
                                                    HasSubstr("A, sequence 1 on \"stream\""))));
  EXPECT_THAT(two_streams(true), IsEmpty());
}

// --- Whatever it finds, the run is the same.

TEST(Races, NothingDependsOnTheChecker) {
  const auto run = [](bool checks) {
    SimulationOptions options = looking();
    if (!checks) options.races.reset();
    const std::vector<std::byte> bytes = bytes_of(kBytes, 3);
    return simulate(std::move(options), 3, [&](BusRank& rank) {
      for (int round = 0; round < 3; ++round) {
        rank.put((rank.rank() + 1) % 3, 0, bytes);
        rank.post((rank.rank() + 2) % 3, kReady, 1);
        static_cast<void>(rank.control->view((rank.rank() + 1) % 3, BusRank::kData, 256));
      }
      rank.control->flush((rank.rank() + 1) % 3, Nanoseconds::max());
    });
  };
  const SimulationReport with = run(true);
  const SimulationReport without = run(false);
  EXPECT_GT(with.races_found, 0U);
  EXPECT_EQ(without.races_found, 0U);
  EXPECT_EQ(with.arrivals, without.arrivals);
  EXPECT_EQ(with.payload, without.payload);
  EXPECT_EQ(with.end, without.end);
}

TEST(Races, AreListedUpToALimitAndCounted) {
  SimulationOptions options = looking();
  options.races->most_listed = 2;
  const SimulationReport report = simulate(std::move(options), 6, [&](BusRank& rank) {
    Program program{rank};
    if (rank.rank() == 0) program.writes(0, kBytes);
    rank.advance(us(1));
    if (rank.rank() != 0) program.views(0, 0, kBytes);
  });
  EXPECT_EQ(report.races.size(), 2U);
  EXPECT_EQ(report.races_found, 5U);
}

TEST(Races, TheFirstOneCanEndTheCallThatItIsIn) {
  SimulationOptions options = looking();
  options.races->stops = true;
  const SimulationReport report = simulate(std::move(options), 2, [&](BusRank& rank) {
    Program program{rank};
    if (rank.rank() == 0) return program.writes(0, kBytes);
    rank.advance(us(1));
    program.views(0, 0, kBytes);
  });
  EXPECT_EQ(report.ranks[1].how, RankEnd::How::kFailed);
  EXPECT_THAT(report.ranks[1].why, HasSubstr("race: rank 1 views"));
}

}  // namespace
}  // namespace tutti::ub::test::races
