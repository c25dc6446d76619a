// What collectives promise across transports, and that virtual time is the same in every run.
#include <gtest/gtest.h>

#include <random>

#include "base/data_type.hpp"
#include "base/pause.hpp"
#include "tests/collectives/elements.hpp"
#include "tests/support/bus_world.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

constexpr int kRanks = 7;
constexpr std::size_t kCount = 5003;

struct Sum {
  const char* algorithm;
  tuttiDataType_t type;
  tuttiRedOp_t op;
  std::size_t count;
};

std::ostream& operator<<(std::ostream& out, const Sum& sum) {
  return out << sum.algorithm << "_" << name_of(sum.type) << "_" << name_of(sum.op);
}

// Elements of all magnitudes: another order of the additions would give other bits.
std::vector<std::byte> rough(int rank, const Sum& sum) {
  std::mt19937 random(static_cast<std::uint32_t>(rank) + 1);
  std::vector<std::byte> bytes(sum.count * size_of(sum.type));
  for (std::size_t i = 0; i < sum.count; ++i) {
    const int value = static_cast<int>(random() % 4001) - 2000;
    encode(sum.type, value * (i % 3 == 0 ? 1 : 7919), bytes.data() + i * size_of(sum.type));
  }
  return bytes;
}

using Results = std::vector<std::vector<std::byte>>;

World::Body reduction(const Sum& sum, Results& results) {
  results.assign(kRanks, {});
  return [&sum, &results](int rank, tuttiComm_t comm) {
    const std::vector<std::byte> mine = rough(rank, sum);
    std::vector<std::byte>& result = results[static_cast<std::size_t>(rank)];
    result.resize(mine.size());
    expect_ok(
        tuttiAllReduce(mine.data(), result.data(), sum.count, sum.type, sum.op, comm, nullptr),
        comm);
  };
}

class SameBits : public testing::TestWithParam<Sum> {};

TEST_P(SameBits, OnTheBusAsInSharedMemory) {
  const ScopedVariable forced("TUTTI_ALGO", GetParam().algorithm);
  Results threads, fibres;
  ThreadWorld(kRanks).run(reduction(GetParam(), threads));
  run_on_bus({.profile = ub::load_profile("cloudmatrix384"), .scheduler = {.reorder_seed = 3}},
             kRanks, reduction(GetParam(), fibres));
  EXPECT_EQ(threads, fibres);
  for (const auto& result : fibres) EXPECT_EQ(result, fibres[0]);
}

INSTANTIATE_TEST_SUITE_P(Sums, SameBits,
                         testing::Values(Sum{"line", tuttiFloat32, tuttiSum, 12},
                                         Sum{"line", tuttiBfloat16, tuttiAvg, 20},
                                         Sum{"one_shot", tuttiFloat32, tuttiSum, 900},
                                         Sum{"one_shot", tuttiFloat16, tuttiAvg, 900},
                                         Sum{"two_shot", tuttiFloat32, tuttiSum, kCount},
                                         Sum{"two_shot", tuttiBfloat16, tuttiSum, kCount},
                                         Sum{"two_shot", tuttiFloat64, tuttiProd, 300},
                                         Sum{"one_shot_push", tuttiFloat32, tuttiSum, 900},
                                         Sum{"two_shot_push", tuttiBfloat16, tuttiAvg, kCount}),
                         testing::PrintToStringParamName());

// One of each kind of call, with private memory and memory of the heap.
void calls(int rank, tuttiComm_t comm) {
  void* symmetric = nullptr;
  const std::size_t bytes = kRanks * kCount * sizeof(float);
  expect_ok(tuttiMemAlloc(&symmetric, bytes), nullptr);
  std::vector<float> plain(kRanks * kCount, static_cast<float>(rank));
  std::vector<float> out(kRanks * kCount);
  auto* const shared = static_cast<float*>(symmetric);
  std::fill_n(shared, kRanks * kCount, static_cast<float>(rank));
  for (float* const send : {plain.data(), shared}) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{300}, kCount}) {
      expect_ok(tuttiAlltoAll(send, out.data(), count, tuttiFloat32, comm, nullptr), comm);
      expect_ok(tuttiAllGather(send, out.data(), count, tuttiFloat32, comm, nullptr), comm);
      expect_ok(tuttiAllReduce(send, send, count, tuttiFloat32, tuttiSum, comm, nullptr), comm);
    }
  }
  expect_ok(tuttiBarrier(comm, nullptr), comm);
  expect_ok(tuttiMemFree(symmetric), nullptr);
}

TEST(VirtualTime, IsTheSameInEveryRun) {
  const auto run = [](std::optional<std::uint64_t> seed) {
    return run_on_bus(
        {.profile = ub::load_profile("cloudmatrix384"), .scheduler = {.reorder_seed = seed}},
        kRanks, calls);
  };
  const ub::SimulationReport a = run({});
  const ub::SimulationReport b = run({});
  EXPECT_EQ(a.end, b.end);
  EXPECT_EQ(a.arrivals, b.arrivals);
  EXPECT_EQ(a.payload, b.payload);
  EXPECT_EQ(run(5).payload, a.payload) << "another order moves the same bytes";
}

// Peers' bytes are asked for together: the time does not grow by a way there and back a rank.
TEST(VirtualTime, OfReadsFromManyRanksIsThatOfOneWay) {
  struct Time {
    const char* algorithm;
    std::size_t count;
    bool plain;
  };
  for (const Time& t :
       {Time{"one_shot", 100, true}, Time{"two_shot", 5000, false}, Time{"two_shot", 5000, true},
        Time{"exchange", 100, true}, Time{"exchange", 1000, false}}) {
    const ScopedVariable forced("TUTTI_ALGO", t.algorithm);
    const auto took = [&](int ranks) {
      std::int64_t ns = 0;
      run_on_bus(
          {.profile = ub::load_profile("cloudmatrix384-wire")}, ranks,
          [&](int rank, tuttiComm_t comm) {
            void* memory = nullptr;
            std::vector<float> plain(2 * t.count * static_cast<std::size_t>(ranks));
            expect_ok(tuttiMemAlloc(&memory, plain.size() * sizeof(float)), nullptr);
            float* const send = t.plain ? plain.data() : static_cast<float*>(memory);
            float* const recv = send + plain.size() / 2;
            expect_ok(tuttiBarrier(comm, nullptr), comm);
            const Nanoseconds start = current_time();
            if (std::string(t.algorithm) == "exchange") {
              expect_ok(tuttiAlltoAll(send, recv, t.count, tuttiFloat32, comm, nullptr), comm);
            } else {
              expect_ok(tuttiAllReduce(send, recv, t.count, tuttiFloat32, tuttiSum, comm, nullptr),
                        comm);
            }
            if (rank == 0) ns = (current_time() - start).count();
            expect_ok(tuttiBarrier(comm, nullptr), comm);
            expect_ok(tuttiMemFree(memory), nullptr);
          });
      return ns;
    };
    const std::int64_t few = took(16);
    const std::int64_t many = took(64);
    // 48 ways there and back more would be more than 100 us.
    EXPECT_LT(many, few + 20'000) << t.algorithm << " " << t.count << (t.plain ? " plain" : "");
  }
}

}  // namespace
}  // namespace tutti::test
