// Collectives that put their bytes where they are needed, in groups of ranks of every size.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <random>

#include "tests/collectives/elements.hpp"
#include "tests/collectives/exchange_job.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {
namespace {

struct Grouping {
  int ranks;
  int group;
};

void PrintTo(const Grouping& grouping, std::ostream* out) {
  *out << grouping.ranks << "_in_groups_of_" << grouping.group;
}

std::vector<Grouping> groupings() {
  if (kSanitized) return {{3, 1}, {6, 2}, {4, 4}};
  return {{2, 1}, {2, 2}, {3, 1}, {4, 2}, {6, 2}, {6, 3}, {6, 6}, {8, 1}, {8, 2}, {8, 4}};
}

std::string in_groups(const char* algorithm, int group) {
  return std::string(algorithm) + ":" + std::to_string(group);
}

class Pushes : public testing::TestWithParam<std::tuple<World, Grouping>> {
 protected:
  static const World& world() { return std::get<0>(GetParam()); }
  static int ranks() { return std::get<1>(GetParam()).ranks; }
  static int group() { return std::get<1>(GetParam()).group; }

  static void deliver(std::span<const std::size_t> counts) {
    world().run(ranks(), [counts](int rank, tuttiComm_t comm) {
      for (const std::size_t count : counts) {
        for (const bool in_place : {false, true}) {
          for (const Memory memory : {Memory::kSymmetric, Memory::kPlain}) {
            ExchangeJob(rank, ranks(), comm, {count, in_place, memory}).run();
          }
        }
        const Memory mixed = rank % 2 == 0 ? Memory::kSymmetric : Memory::kPlain;
        ExchangeJob(rank, ranks(), comm, {count, false, mixed}).run();
      }
    });
  }
};

TEST_P(Pushes, RelayEveryElement) {
  const ScopedVariable forced("TUTTI_ALGO", in_groups("relay", group()));
  constexpr std::size_t kCounts[] = {0, 1, 6, 7, 300, 1001};
  deliver(kCounts);
}

TEST_P(Pushes, PutEveryElementInItsPlace) {
  const ScopedVariable forced("TUTTI_ALGO", in_groups("exchange_push", group()));
  const std::size_t counts[] = {0, 1, 7, 300, 50'001};
  deliver(counts);
}

// Elements of all magnitudes: another order of the additions would give other bits.
std::vector<std::byte> rough(tuttiDataType_t type, std::size_t count, int rank) {
  std::mt19937 random(static_cast<std::uint32_t>(rank) + 1);
  return elements(type, count, [&](std::size_t i) {
    const int value = static_cast<int>(random() % 4001) - 2000;
    return value * (i % 3 == 0 ? 1 : 7919);
  });
}

struct Sums {
  std::vector<std::byte> all_reduce;
  std::vector<std::byte> reduce_scatter;
};

// Of every count, one after the other; in place for every other.
Sums sums(tuttiComm_t comm, int rank, int ranks, tuttiDataType_t type) {
  Sums results;
  bool in_place = false;
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{10}, std::size_t{11},
                                  std::size_t{130}, std::size_t{1003}}) {
    std::vector<std::byte> send = rough(type, count, rank);
    std::vector<std::byte> recv(send.size());
    std::byte* const to = in_place ? send.data() : recv.data();
    expect_ok(tuttiAllReduce(send.data(), to, count, type, tuttiSum, comm, nullptr), comm);
    results.all_reduce.insert(results.all_reduce.end(), to, to + recv.size());

    std::vector<std::byte> blocks = rough(type, count * static_cast<std::size_t>(ranks), rank);
    std::byte* const block =
        in_place ? blocks.data() + static_cast<std::size_t>(rank) * recv.size() : recv.data();
    expect_ok(tuttiReduceScatter(blocks.data(), block, count, type, tuttiSum, comm, nullptr), comm);
    results.reduce_scatter.insert(results.reduce_scatter.end(), block, block + recv.size());
    expect_ok(tuttiBarrier(comm, nullptr), comm);
    in_place = !in_place;
  }
  return results;
}

TEST_P(Pushes, GiveTheBitsOfEveryOtherAlgorithm) {
  for (const tuttiDataType_t type : {tuttiFloat32, tuttiBfloat16, tuttiInt8}) {
    std::vector<Sums> expected(static_cast<std::size_t>(ranks()));
    for (const std::string& algorithm :
         {std::string("two_shot"), in_groups("one_shot_push", group()),
          in_groups("two_shot_push", group())}) {
      const ScopedVariable forced("TUTTI_ALGO", algorithm);
      world().run(ranks(), [&](int rank, tuttiComm_t comm) {
        const Sums found = sums(comm, rank, ranks(), type);
        Sums& want = expected[static_cast<std::size_t>(rank)];
        if (algorithm == "two_shot") {
          want = found;
          return;
        }
        EXPECT_EQ(found.all_reduce, want.all_reduce) << algorithm << " " << name_of(type);
        EXPECT_EQ(found.reduce_scatter, want.reduce_scatter) << algorithm << " " << name_of(type);
      });
    }
  }
}

// Staging is put into and read in turn, by operations that tell only some ranks of themselves.
TEST_P(Pushes, KeepTheirOrderOverManyEpochs) {
  for (const char* algorithm : {"relay", "one_shot_push", "two_shot_push", "exchange_push"}) {
    const ScopedVariable forced("TUTTI_ALGO", in_groups(algorithm, group()));
    world().run(ranks(), [&](int rank, tuttiComm_t comm) {
      const auto n = static_cast<std::size_t>(ranks());
      std::vector<std::uint32_t> numbers(200);
      std::vector<std::uint32_t> send(n), recv(n);
      for (std::uint32_t epoch = 0; epoch < 400; ++epoch) {
        std::fill(numbers.begin(), numbers.end(), epoch + static_cast<std::uint32_t>(rank));
        ASSERT_EQ(tuttiAllReduce(numbers.data(), numbers.data(), numbers.size(), tuttiUint32,
                                 tuttiMax, comm, nullptr),
                  tuttiSuccess)
            << tuttiGetLastError(comm);
        ASSERT_EQ(numbers.front(), epoch + static_cast<std::uint32_t>(ranks()) - 1);
        ASSERT_EQ(numbers.back(), numbers.front());
        for (std::size_t to = 0; to < n; ++to) {
          send[to] =
              epoch * 64 + static_cast<std::uint32_t>(rank) * 8 + static_cast<std::uint32_t>(to);
        }
        ASSERT_EQ(tuttiAlltoAll(send.data(), recv.data(), 1, tuttiUint32, comm, nullptr),
                  tuttiSuccess)
            << tuttiGetLastError(comm);
        for (std::size_t from = 0; from < n; ++from) {
          ASSERT_EQ(recv[from], epoch * 64 + static_cast<std::uint32_t>(from) * 8 +
                                    static_cast<std::uint32_t>(rank));
        }
      }
    });
  }
}

// Only a rank's group hears of it at first; all others do in the end.
TEST_P(Pushes, FindARankThatMeansSomethingElse) {
  if (ranks() == 1) return;
  for (const char* algorithm : {"one_shot_push", "two_shot_push"}) {
    const ScopedVariable forced("TUTTI_ALGO", in_groups(algorithm, group()));
    std::vector<tuttiResult_t> codes(static_cast<std::size_t>(ranks()));
    world().run(ranks(), [&](int rank, tuttiComm_t comm) {
      std::vector<float> numbers(64, 1.0f);
      const std::size_t count = rank == 0 ? 63 : 64;
      tuttiResult_t& code = codes[static_cast<std::size_t>(rank)];
      // Who has what it needs may end well, and hears of it in its next call.
      for (int i = 0; i < 3 && code == tuttiSuccess; ++i) {
        code = tuttiAllReduce(numbers.data(), numbers.data(), count, tuttiFloat32, tuttiSum, comm,
                              nullptr);
      }
    });
    for (const tuttiResult_t code : codes) EXPECT_EQ(code, tuttiMismatch) << algorithm;
  }
}

INSTANTIATE_TEST_SUITE_P(Groupings, Pushes,
                         testing::Combine(testing::ValuesIn(worlds()),
                                          testing::ValuesIn(groupings())));

class Exclusions : public testing::TestWithParam<World> {};

TEST_P(Exclusions, AreSaidBeforeAnythingIsSent) {
  const auto expect_usage = [](tuttiResult_t code, tuttiComm_t comm, const char* word) {
    EXPECT_EQ(code, tuttiInvalidUsage);
    EXPECT_NE(std::string(tuttiGetLastError(comm)).find(word), std::string::npos)
        << tuttiGetLastError(comm);
  };
  {
    const ScopedVariable forced("TUTTI_ALGO", "one_shot_push:2");
    GetParam().run(3, [&](int, tuttiComm_t comm) {
      float number = 1;
      expect_usage(tuttiAllReduce(&number, &number, 1, tuttiFloat32, tuttiSum, comm, nullptr), comm,
                   "one_shot_push:2 cannot run AllReduce of 4 bytes on 3 ranks");
    });
  }
  {
    const ScopedVariable forced("TUTTI_ALGO", "exchange_push");
    const ScopedVariable staged("TUTTI_IN_PLACE", "0");
    GetParam().run(2, [&](int, tuttiComm_t comm) {
      float numbers[2] = {};
      expect_usage(tuttiAlltoAll(numbers, numbers, 1, tuttiFloat32, comm, nullptr), comm,
                   "exchange_push");
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Worlds, Exclusions, testing::ValuesIn(worlds()));

}  // namespace
}  // namespace tutti::test
