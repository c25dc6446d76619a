// Whose memory bytes are read from, until when, and what reach() and commit() do with it.
#include <stdexcept>

#include "bus_rank.hpp"

namespace tutti::ub::test {
namespace {

constexpr std::size_t kLarge = 1 << 20;  // 2.7 us of a port of 392 GB/s

TEST(BusSources, AreFreeAfterFlushWhichIsBeforeTheArrival) {
  std::vector<std::byte> source = bytes_of(kLarge, 1);
  const std::vector<std::byte> sent = source;
  const Picoseconds port = ps((std::int64_t{kLarge} * 1000 + 391) / 392);
  expect_finished(simulate("cloudmatrix384-wire", 2, [&](BusRank& rank) {
    if (rank.rank() == 0) {
      rank.put(1, 0, source);
      rank.control->flush(1, std::chrono::seconds(1));
      EXPECT_EQ(rank.now(), ns(600) + port) << "half of the latency is behind the port";
      std::fill(source.begin(), source.end(), std::byte{0});
      const Picoseconds before = rank.now();
      rank.control->flush(1, std::chrono::seconds(1));
      EXPECT_EQ(rank.now(), before) << "nothing is left to wait for";
      rank.post(1, 10, 1);
    } else {
      ASSERT_TRUE(rank.await_line(10, 1));
      EXPECT_EQ(std::memcmp(rank.data(), sent.data(), sent.size()), 0);
    }
    rank.bootstrap->all_gather({}, {});
  }));
}

TEST(BusSources, FlushKeepsItsDeadline) {
  const std::vector<std::byte> source = bytes_of(kLarge, 1);
  expect_finished(simulate("cloudmatrix384-wire", 2, [&](BusRank& rank) {
    if (rank.rank() == 0) {
      rank.put(1, 0, source);
      try {
        rank.control->flush(1, Nanoseconds(1000));
        ADD_FAILURE() << "left too early";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), tuttiTimeout);
        EXPECT_EQ(error.culprits(), std::vector<Rank>{1});
      }
      EXPECT_EQ(rank.now(), us(1));
    }
    rank.bootstrap->all_gather({}, {});
  }));
}

TEST(BusSources, ALeavingRankGivesItsBytesWithIt) {
  const std::vector<std::byte> expected = bytes_of(kLarge, 1);
  expect_finished(simulate("cloudmatrix384-wire", 2, [&](BusRank& rank) {
    if (rank.rank() == 0) {
      std::vector<std::byte> source = expected;
      rank.put(1, 0, source);
      rank.post(1, 10, 1);
      rank.control.reset();
      rank.heap.reset();
      rank.process.reset();
      rank.transport.reset();
      std::fill(source.begin(), source.end(), std::byte{0});
      return;
    }
    ASSERT_TRUE(rank.await_line(10, 1)) << "the farewell comes behind the line";
    EXPECT_EQ(std::memcmp(rank.data(), expected.data(), expected.size()), 0);
    rank.await_alarm();
    EXPECT_EQ(rank.transport->peer_state(0), PeerState::kLeft);
  }));
}

// Its buffers are gone: neither they nor the line that speaks of them arrive.
TEST(BusSources, OfARankThatThrowsAreNotRead) {
  const auto report = simulate("cloudmatrix384-wire", 2, [&](BusRank& rank) {
    if (rank.rank() == 0) {
      const std::vector<std::byte> source = bytes_of(kLarge, 1);
      rank.put(1, 0, source);
      rank.post(1, 10, 1);
      throw std::runtime_error("enough");
    }
    rank.await_alarm();
    EXPECT_EQ(rank.transport->peer_state(0), PeerState::kLeft);
    EXPECT_EQ(rank.line(10), 0U);
    EXPECT_EQ(rank.data()[1], std::byte{0});
  });
  EXPECT_EQ(report.ranks[0].how, RankEnd::How::kFailed);
  EXPECT_EQ(report.ranks[0].why, "enough");
  EXPECT_THROW(std::rethrow_exception(report.ranks[0].failure), std::runtime_error);
  EXPECT_EQ(report.ranks[1].how, RankEnd::How::kFinished);
}

TEST(BusShadows, ShowNothingBeforeTheCommitHasArrived) {
  const std::vector<std::byte> first = bytes_of(3000, 1);
  const std::vector<std::byte> second = bytes_of(3000, 2);
  expect_finished(simulate("cloudmatrix384-wire", 2, [&](BusRank& rank) {
    const auto write = [&](const std::vector<std::byte>& bytes, std::uint64_t value) {
      const auto shadow = rank.control->reach(1, BusRank::kData, bytes.size());
      ASSERT_EQ(shadow.size(), bytes.size());
      std::memcpy(shadow.data(), bytes.data(), bytes.size());
      EXPECT_EQ(rank.control->reach(1, BusRank::kData, bytes.size()).data(), shadow.data());
      rank.control->commit(1, BusRank::kData, bytes.size());
      rank.post(1, 10, value);
    };
    if (rank.rank() == 0) {
      write(first, 1);
      write(second, 2);
    } else {
      rank.advance(ns(1200));
      EXPECT_EQ(rank.data()[1], std::byte{0});
      ASSERT_TRUE(rank.await_line(10, 1));
      EXPECT_EQ(std::memcmp(rank.data(), first.data(), first.size()), 0);
      ASSERT_TRUE(rank.await_line(10, 2));
      EXPECT_EQ(std::memcmp(rank.data(), second.data(), second.size()), 0);
    }
    rank.bootstrap->all_gather({}, {});
  }));
}

TEST(BusShadows, AreCommittedInParts) {
  const std::vector<std::byte> bytes = bytes_of(3000, 1);
  expect_finished(simulate("ideal", 2, [&](BusRank& rank) {
    if (rank.rank() == 0) {
      const auto shadow = rank.control->reach(1, BusRank::kData, bytes.size());
      std::memcpy(shadow.data(), bytes.data(), bytes.size());
      rank.control->commit(1, BusRank::kData + 1000, 2000);
      EXPECT_THROW(rank.control->commit(1, BusRank::kData + 1000, 2001), Error);
      rank.post(1, 10, 1);
      ASSERT_TRUE(rank.await_line(11, 1));
      rank.control->commit(1, BusRank::kData, 1000);
      EXPECT_THROW(rank.control->commit(1, BusRank::kData, 1000), Error) << "it is closed";
      rank.post(1, 10, 2);
    } else {
      ASSERT_TRUE(rank.await_line(10, 1));
      EXPECT_EQ(rank.data()[1], std::byte{0});
      EXPECT_EQ(std::memcmp(rank.data() + 1000, bytes.data() + 1000, 2000), 0);
      rank.post(0, 11, 1);
      ASSERT_TRUE(rank.await_line(10, 2));
      EXPECT_EQ(std::memcmp(rank.data(), bytes.data(), bytes.size()), 0);
    }
    rank.bootstrap->all_gather({}, {});
  }));
}

TEST(BusWindows, SharedWordsAreRefusedAndLinesAreNotStoredTo) {
  expect_finished(simulate("ideal", 2, [&](BusRank& rank) {
    EXPECT_FALSE(rank.transport->access(0).shared_words);
    EXPECT_EQ(rank.control->lines(0), nullptr);
    EXPECT_THROW(rank.control->fetch_add(0, 4096, 1), Error);
    EXPECT_THROW(rank.control->post_all(10, 1, {}), Error);
    EXPECT_TRUE(rank.control->reach(1 - rank.rank(), 0, 64).empty());
    EXPECT_EQ(rank.control->reach(rank.rank(), 0, 64).size(), 64U);
    const Piece beyond{.source = std::as_bytes(std::span("x")), .offset = BusRank::kSegmentBytes};
    EXPECT_THROW(rank.control->put(1 - rank.rank(), {&beyond, 1}), Error);
    rank.bootstrap->all_gather({}, {});
  }));
}

}  // namespace
}  // namespace tutti::ub::test
