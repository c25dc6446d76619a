// What a line promises about the data before it: "a line implies everything its writer did before".
#include <array>
#include <cstring>
#include <vector>

#include "kernels/copy.hpp"
#include "memory/heap.hpp"
#include "tests/transport/conformance.hpp"
#include "tests/transport/data_exchange.hpp"

namespace tutti::test {

namespace {

std::span<std::byte> area_of(TransportRank& rank, Rank source, std::size_t bytes) {
  return rank.control().local().subspan(TransportRank::area(source), bytes);
}

}  // namespace

TEST_P(TransportConformance, LineImpliesEarlierPuts) {
  run([](TransportRank& rank) {
    std::vector<std::byte> source(1021);
    exchange(
        rank, 100,
        [&](Rank peer, std::uint64_t round) {
          rank.control().flush(peer, TransportRank::kDeadline);
          fill_pattern(source, rank.rank(), round);
          const std::span<const std::byte> bytes(source);
          const std::array<Piece, 2> pieces = {
              Piece{bytes.first(500), TransportRank::area(rank.rank())},
              Piece{bytes.subspan(500), TransportRank::area(rank.rank()) + 500}};
          EXPECT_TRUE(rank.await([&] { return rank.control().put(peer, pieces); }));
          rank.control().flush(peer, TransportRank::kDeadline);
        },
        [&](Rank writer, std::uint64_t round) {
          EXPECT_TRUE(has_pattern(area_of(rank, writer, source.size()), writer, round));
        });
  });
}

// Bytes so many that a network may write them to their places itself, while other puts and lines
// are on their way.
TEST_P(TransportConformance, LineImpliesEarlierLargePuts) {
  run([](TransportRank& rank) {
    constexpr std::size_t kLarge = 90'000;
    constexpr std::size_t kSmall = 3;
    constexpr std::size_t kBytes = 2 * kLarge + kSmall;
    const Blocks blocks(rank, kBytes * static_cast<std::size_t>(rank.ranks()));
    const auto part = [](Rank writer) { return static_cast<std::size_t>(writer) * kBytes; };
    std::vector<std::byte> source(kBytes);
    exchange(
        rank, 5,
        [&](Rank peer, std::uint64_t round) {
          fill_pattern(source, rank.rank(), round);
          const std::span<const std::byte> bytes(source);
          const std::size_t place = blocks.offset(peer) + part(rank.rank());
          rank.put(rank.heap(), peer, place, bytes.first(kLarge));
          rank.put(rank.heap(), peer, place + kLarge, bytes.subspan(kLarge, kSmall));
          const bool anywhere = rank.transport().access(peer).puts;
          Window& window = anywhere ? rank.process() : rank.heap();
          const std::size_t rest = anywhere ? blocks.address(peer) + part(rank.rank()) : place;
          rank.put(window, peer, rest + kLarge + kSmall, bytes.subspan(kLarge + kSmall));
          rank.heap().flush(peer, TransportRank::kDeadline);
          window.flush(peer, TransportRank::kDeadline);
        },
        [&](Rank writer, std::uint64_t round) {
          EXPECT_TRUE(has_pattern(blocks.mine().subspan(part(writer), kBytes), writer, round));
        });
  });
}

TEST_P(TransportConformance, PostsTogetherAreWhatTheyWouldBeAlone) {
  run([](TransportRank& rank) {
    std::vector<std::vector<std::byte>> sources(static_cast<std::size_t>(rank.ranks()),
                                                std::vector<std::byte>(300));
    rank.control().end_posts();  // of none: nothing happens
    for (std::uint64_t round = 1; round <= 50 && !testing::Test::HasFailure(); ++round) {
      for (Rank peer = 0; peer < rank.ranks(); ++peer) {
        rank.control().flush(peer, TransportRank::kDeadline);
        fill_pattern(sources[static_cast<std::size_t>(peer)], rank.rank() + peer, round);
      }
      rank.control().begin_posts();
      for (Rank peer = 0; peer < rank.ranks(); ++peer) {
        const Piece piece{sources[static_cast<std::size_t>(peer)],
                          TransportRank::area(rank.rank())};
        EXPECT_TRUE(rank.control().put(peer, {&piece, 1}));
        rank.transport().charge(LocalWork::looks(3));
        rank.post(peer, rank.line(kMark, rank.rank()), round);
      }
      rank.control().end_posts();
      for (Rank source = 0; source < rank.ranks(); ++source) {
        ASSERT_TRUE(rank.await(rank.line(kMark, source), round));
        EXPECT_TRUE(has_pattern(area_of(rank, source, 300), source + rank.rank(), round));
        rank.post(source, rank.line(kTaken, rank.rank()), round);
      }
      for (Rank peer = 0; peer < rank.ranks(); ++peer) {
        ASSERT_TRUE(rank.await(rank.line(kTaken, peer), round));
      }
    }
  });
}

TEST_P(TransportConformance, LineImpliesEarlierStores) {
  run([](TransportRank& rank) {
    constexpr std::size_t kBytes = 777;
    exchange(
        rank, 100,
        [&](Rank peer, std::uint64_t round) {
          if (!rank.transport().access(peer).stores) return;
          const std::size_t offset = TransportRank::area(rank.rank());
          const auto place = rank.control().reach(peer, offset, kBytes);
          ASSERT_EQ(place.size(), kBytes);
          fill_pattern(place, rank.rank(), round);
          rank.control().commit(peer, offset, kBytes);
        },
        [&](Rank writer, std::uint64_t round) {
          if (!rank.transport().access(writer).stores) return;
          EXPECT_TRUE(has_pattern(area_of(rank, writer, kBytes), writer, round));
        });
  });
}

TEST_P(TransportConformance, LineImpliesEarlierNonTemporalCopies) {
  run([](TransportRank& rank) {
    constexpr std::size_t kBytes = std::size_t{48} << 10;
    const auto ranks = static_cast<std::size_t>(rank.ranks());
    const Blocks blocks(rank, kBytes * ranks);
    std::vector<std::byte> source(kBytes);
    const auto part = [](Rank writer) { return static_cast<std::size_t>(writer) * kBytes; };
    exchange(
        rank, 20,
        [&](Rank peer, std::uint64_t round) {
          if (!rank.transport().access(peer).stores) return;
          fill_pattern(source, rank.rank(), round);
          const std::size_t offset = blocks.offset(peer) + part(rank.rank());
          const auto place = rank.heap().reach(peer, offset, kBytes);
          ASSERT_EQ(place.size(), kBytes);
          kernels::copy_streaming(place.data(), source.data(), kBytes);
          rank.heap().commit(peer, offset, kBytes);
        },
        [&](Rank writer, std::uint64_t round) {
          if (!rank.transport().access(writer).stores) return;
          EXPECT_TRUE(has_pattern(blocks.mine().subspan(part(writer), kBytes), writer, round));
        });
  });
}

TEST_P(TransportConformance, ContentArrivesWithTheValue) {
  run([](TransportRank& rank) {
    for (std::uint64_t round = 1; round <= 1000 && !HasFailure(); ++round) {
      LineContent content;
      fill_pattern(content.payload, rank.rank(), round);
      content.stamp = round * 1000 + static_cast<std::uint64_t>(rank.rank());
      for (Rank peer = 0; peer < rank.ranks(); ++peer) {
        rank.post(peer, rank.line(kMark, rank.rank()), round, content);
      }
      for (Rank source = 0; source < rank.ranks(); ++source) {
        ASSERT_TRUE(rank.await(rank.line(kMark, source), round));
        const Line& line = rank.own_line(rank.line(kMark, source));
        EXPECT_EQ(line.value.load(std::memory_order_acquire), round);
        EXPECT_EQ(line.stamp, round * 1000 + static_cast<std::uint64_t>(source));
        EXPECT_TRUE(has_pattern(line.payload, source, round));
        rank.post(source, rank.line(kTaken, rank.rank()), round);
      }
      for (Rank peer = 0; peer < rank.ranks(); ++peer) {
        ASSERT_TRUE(rank.await(rank.line(kTaken, peer), round));
      }
    }
  });
}

// Every round each rank fills a block of its heap and a part of its segment once, and every peer
// reads them with `read(blocks, source, round)`.
template <typename Read>
void read_from_all(TransportRank& rank, std::size_t bytes, const Read& read) {
  const Blocks blocks(rank, bytes);
  exchange(
      rank, 20,
      [&](Rank peer, std::uint64_t round) {
        if (peer != 0) return;
        fill_pattern(blocks.mine(), rank.rank(), round);
        fill_pattern(area_of(rank, rank.rank(), 100), rank.rank(), round);
      },
      [&](Rank source, std::uint64_t round) { read(blocks, source, round); });
}

TEST_P(TransportConformance, ViewShowsWhatThePeerWrote) {
  run([](TransportRank& rank) {
    constexpr std::size_t kBytes = 10'000;
    read_from_all(rank, kBytes, [&](const Blocks& blocks, Rank source, std::uint64_t round) {
      if (!rank.transport().access(source).views) return;
      const auto in_heap = rank.heap().view(source, blocks.offset(source), kBytes);
      ASSERT_EQ(in_heap.size(), kBytes);
      EXPECT_TRUE(has_pattern(in_heap, source, round));
      const auto in_control = rank.control().view(source, TransportRank::area(source), 100);
      ASSERT_EQ(in_control.size(), 100U);
      EXPECT_TRUE(has_pattern(in_control, source, round));
      const auto in_process = rank.process().view(source, blocks.address(source), kBytes);
      if (rank.transport().path(source).hop_class <= 1) {
        ASSERT_EQ(in_process.size(), kBytes);
        EXPECT_TRUE(has_pattern(in_process, source, round));
      } else {
        EXPECT_TRUE(in_process.empty());
      }
    });
  });
}

TEST_P(TransportConformance, GetCopiesWhatThePeerWrote) {
  run([](TransportRank& rank) {
    constexpr std::size_t kBytes = 10'000;
    read_from_all(rank, kBytes, [&](const Blocks& blocks, Rank source, std::uint64_t round) {
      for (const bool in_heap : {true, false}) {
        const Access access = rank.transport().access(source);
        if (!(in_heap ? access.views : access.gets)) continue;
        Window& window = in_heap ? rank.heap() : rank.process();
        const std::size_t from = in_heap ? blocks.offset(source) : blocks.address(source);
        // Pieces of every size, none, and the rest.
        std::vector<std::byte> copy(kBytes);
        const std::span<std::byte> all = copy;
        const std::vector<Fetch> pieces = {{source, all.first(1), from},
                                           {source, all.subspan(1, 0), from + 1},
                                           {source, all.subspan(1, 4099), from + 1},
                                           {source, all.subspan(4100), from + 4100}};
        window.get(pieces);
        EXPECT_TRUE(has_pattern(copy, source, round)) << (in_heap ? "heap" : "process");
      }
    });
  });
}

// One call for pieces of all ranks, some of them of one rank, and some of no bytes.
TEST_P(TransportConformance, ViewsAndGetsOfManyRanksComeTogether) {
  run([](TransportRank& rank) {
    constexpr std::size_t kBytes = 3000;
    const Blocks blocks(rank, kBytes);
    for (std::uint64_t round = 1; round <= 20; ++round) {
      fill_pattern(blocks.mine(), rank.rank(), round);
      rank.meet();
      std::vector<View> views;
      std::vector<Fetch> fetches;
      std::vector<std::vector<std::byte>> copies;
      for (int i = 0; i < rank.ranks(); ++i) {
        const Rank peer = (rank.rank() + i) % rank.ranks();
        const std::size_t offset = blocks.offset(peer);
        if (!rank.transport().access(peer).views) continue;
        for (const auto& [from, bytes] : {std::pair{0u, 1000u}, {1000u, 0u}, {1000u, 2000u}}) {
          views.push_back({.peer = peer, .offset = offset + from, .bytes = bytes, .data = nullptr});
        }
        std::vector<std::byte>& copy = copies.emplace_back(kBytes);
        fetches.push_back({peer, std::span(copy).first(1000), offset});
        fetches.push_back({peer, std::span(copy).subspan(1000), offset + 1000});
      }
      rank.heap().view(views);
      rank.heap().get(fetches);
      for (std::size_t i = 0; i < copies.size(); ++i) {
        const Rank peer = views[3 * i].peer;
        ASSERT_NE(views[3 * i].data, nullptr);
        EXPECT_EQ(views[3 * i + 2].data, views[3 * i].data + 1000) << "one segment, one range";
        EXPECT_TRUE(has_pattern({views[3 * i].data, kBytes}, peer, round));
        EXPECT_TRUE(has_pattern(copies[i], peer, round));
      }
      rank.meet();
    }
  });
}

TEST_P(TransportConformance, WhatIsNotThereHidesNothingElseOfAView) {
  run([](TransportRank& rank) {
    constexpr std::size_t kBytes = 100;
    const Blocks blocks(rank, kBytes);
    fill_pattern(blocks.mine(), rank.rank(), 1);
    rank.meet();
    const std::size_t end = rank.heap().local().size();
    for (Rank peer = 0; peer < rank.ranks(); ++peer) {
      if (!rank.transport().access(peer).views) continue;
      View views[] = {
          {.peer = peer, .offset = end, .bytes = 1, .data = nullptr},
          {.peer = peer, .offset = blocks.offset(peer), .bytes = kBytes, .data = nullptr}};
      rank.heap().view(views);
      EXPECT_EQ(views[0].data, nullptr);
      ASSERT_NE(views[1].data, nullptr);
      EXPECT_TRUE(has_pattern({views[1].data, kBytes}, peer, 1));
      std::byte byte;
      const Fetch absent{peer, {&byte, 1}, end};
      try {
        rank.heap().get({&absent, 1});
        ADD_FAILURE() << "there is nothing to get";
      } catch (const Error& error) {
        EXPECT_EQ(error.culprits(), std::vector<int>{peer}) << error.what();
      }
    }
    rank.meet();
  });
}

TEST_P(TransportConformance, ReachWritesIntoThePeer) {
  run([](TransportRank& rank) {
    constexpr std::size_t kBytes = 3000;
    const auto ranks = static_cast<std::size_t>(rank.ranks());
    const Blocks blocks(rank, kBytes * ranks);
    const auto part = [](Rank writer) { return static_cast<std::size_t>(writer) * kBytes; };
    const auto writable = [&](Rank peer) {
      return rank.transport().access(peer).stores && rank.transport().path(peer).hop_class <= 1;
    };
    exchange(
        rank, 20,
        [&](Rank peer, std::uint64_t round) {
          if (!writable(peer)) return;
          const std::size_t offset = blocks.address(peer) + part(rank.rank());
          const auto place = rank.process().reach(peer, offset, kBytes);
          ASSERT_EQ(place.size(), kBytes);
          fill_pattern(place, rank.rank(), round);
          rank.process().commit(peer, offset, kBytes);
        },
        [&](Rank writer, std::uint64_t round) {
          if (!writable(writer)) return;
          EXPECT_TRUE(has_pattern(blocks.mine().subspan(part(writer), kBytes), writer, round));
        });
  });
}

TEST_P(TransportConformance, WhatAPeersHeapNeverGaveOutIsEmpty) {
  run([](TransportRank& rank) {
    constexpr std::size_t kBytes = 3 << 20;
    const Blocks blocks(rank, kBytes);
    rank.meet();
    for (Rank peer = 0; peer < rank.ranks(); ++peer) {
      const std::size_t given = blocks.offset(peer) + kBytes;
      const std::size_t end = rank.heap().local().size();
      if (rank.transport().access(peer).views) {
        EXPECT_EQ(rank.heap().view(peer, given - kBytes, kBytes).size(), kBytes);
      }
      for (const auto& [offset, bytes] :
           {std::pair{end - 1, std::size_t{1}}, std::pair{end / 2, std::size_t{4096}},
            std::pair{given - kBytes, end / 2}}) {
        EXPECT_TRUE(rank.heap().view(peer, offset, bytes).empty()) << offset << " + " << bytes;
        EXPECT_TRUE(rank.heap().reach(peer, offset, bytes).empty()) << offset << " + " << bytes;
      }
    }
    rank.meet();
  });
}

TEST_P(TransportConformance, OffsetsBeyondASegmentAreEmpty) {
  run([](TransportRank& rank) {
    for (Rank peer = 0; peer < rank.ranks(); ++peer) {
      for (Window* window : {static_cast<Window*>(&rank.control()), &rank.heap()}) {
        const std::size_t end = window->local().size();
        const std::size_t last = ~std::size_t{0};
        for (const auto& [offset, bytes] :
             {std::pair{end, std::size_t{1}}, std::pair{end - 1, std::size_t{2}},
              std::pair{std::size_t{0}, end + 1}, std::pair{last, std::size_t{1}},
              std::pair{last - 10, std::size_t{64}}, std::pair{std::size_t{64}, last - 10}}) {
          EXPECT_TRUE(window->view(peer, offset, bytes).empty()) << offset << " + " << bytes;
          EXPECT_TRUE(window->reach(peer, offset, bytes).empty()) << offset << " + " << bytes;
        }
      }
      if (!rank.transport().access(peer).stores) continue;
      EXPECT_EQ(rank.control().reach(peer, TransportRank::kSegmentBytes - 1, 1).size(), 1U);
    }
  });
}

}  // namespace tutti::test
