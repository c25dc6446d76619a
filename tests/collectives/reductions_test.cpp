// Every reduction against a serial reference: ranks x sizes x types x operators x places x memory.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <algorithm>

#include "base/data_type.hpp"
#include "tests/collectives/buffers.hpp"
#include "tests/collectives/elements.hpp"
#include "tests/collectives/uneven_parts.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {
namespace {

struct Shape {
  tuttiDataType_t type;
  tuttiRedOp_t op;
  std::size_t count;
  bool in_place;
  Memory memory;
};

// Rank r's element i. Small enough that sums and products of 8 ranks are exact in every type; for
// avg all ranks have the same.
int input(const Shape& shape, int rank, std::size_t i) {
  const int spot = static_cast<int>(i % 3);
  if (shape.op == tuttiAvg) return spot;
  if (shape.op == tuttiProd) return (rank + spot) % 5 == 0 ? 2 : 1;
  return (rank + spot) % 3;
}

int expected(const Shape& shape, int ranks, std::size_t i) {
  int result = input(shape, 0, i);
  for (int rank = 1; rank < ranks; ++rank) {
    const int next = input(shape, rank, i);
    switch (shape.op) {
      case tuttiSum:
        result += next;
        break;
      case tuttiProd:
        result *= next;
        break;
      case tuttiMax:
        result = std::max(result, next);
        break;
      case tuttiMin:
        result = std::min(result, next);
        break;
      default:
        break;
    }
  }
  return result;
}

std::vector<std::byte> inputs(const Shape& shape, int rank, std::size_t count) {
  return elements(shape.type, count, [&](std::size_t i) { return input(shape, rank, i); });
}
std::vector<std::byte> outputs(const Shape& shape, int ranks, std::size_t first,
                               std::size_t count) {
  return elements(shape.type, count,
                  [&](std::size_t i) { return expected(shape, ranks, first + i); });
}

std::string text(const Shape& shape) {
  return std::string(name_of(shape.type)) + " " + name_of(shape.op) + " count " +
         std::to_string(shape.count) + (shape.in_place ? " in place" : "") +
         (shape.memory == Memory::kPlain ? " plain" : " symmetric");
}

void all_reduce(int rank, int ranks, tuttiComm_t comm, const Shape& shape) {
  const std::size_t bytes = shape.count * size_of(shape.type);
  Buffer send(shape.memory, bytes);
  Buffer other(shape.memory, bytes);
  Buffer& recv = shape.in_place ? send : other;
  send.fill(inputs(shape, rank, shape.count));
  expect_ok(
      tuttiAllReduce(send.data(), recv.data(), shape.count, shape.type, shape.op, comm, nullptr),
      comm);
  EXPECT_TRUE(same(recv.bytes(), outputs(shape, ranks, 0, shape.count))) << text(shape);
}

void reduce(int rank, int ranks, tuttiComm_t comm, const Shape& shape) {
  const int root = static_cast<int>(shape.count) % ranks;
  const std::size_t bytes = shape.count * size_of(shape.type);
  Buffer send(shape.memory, bytes);
  Buffer other(shape.memory, bytes);
  Buffer& recv = shape.in_place ? send : other;
  send.fill(inputs(shape, rank, shape.count));
  expect_ok(tuttiReduce(send.data(), rank == root ? recv.data() : nullptr, shape.count, shape.type,
                        shape.op, root, comm, nullptr),
            comm);
  if (rank != root) return;
  EXPECT_TRUE(same(recv.bytes(), outputs(shape, ranks, 0, shape.count))) << text(shape);
}

void reduce_scatter(int rank, int ranks, tuttiComm_t comm, const Shape& shape) {
  const std::size_t bytes = shape.count * size_of(shape.type);
  const auto n = static_cast<std::size_t>(ranks);
  const std::size_t own = static_cast<std::size_t>(rank) * bytes;
  Buffer send(shape.memory, bytes * n);
  Buffer other(shape.memory, bytes);
  send.fill(inputs(shape, rank, shape.count * n));
  std::byte* const recv = shape.in_place ? send.data() + own : other.data();
  expect_ok(tuttiReduceScatter(send.data(), recv, shape.count, shape.type, shape.op, comm, nullptr),
            comm);
  EXPECT_TRUE(
      same({recv, bytes},
           outputs(shape, ranks, static_cast<std::size_t>(rank) * shape.count, shape.count)))
      << text(shape);
}

void reduce_scatterv(int rank, int ranks, tuttiComm_t comm, const Shape& shape) {
  const auto [counts, displs, end] =
      UnevenParts(static_cast<std::size_t>(ranks), 2,
                  [&](std::size_t r) { return UnevenParts::some(r, shape.count); });
  const std::size_t size = size_of(shape.type);
  const auto self = static_cast<std::size_t>(rank);
  Buffer send(shape.memory, end * size);
  Buffer other(shape.memory, counts[self] * size);
  send.fill(inputs(shape, rank, end));
  std::byte* const recv = shape.in_place ? send.data() + displs[self] * size : other.data();
  expect_ok(tuttiReduceScatterv(send.data(), counts.data(), displs.data(), recv, shape.type,
                                shape.op, comm, nullptr),
            comm);
  EXPECT_TRUE(same({recv, counts[self] * size}, outputs(shape, ranks, displs[self], counts[self])))
      << text(shape);
}

// The third parameter is TUTTI_IN_PLACE: without it every buffer goes through staging, as private
// memory of other processes does.
class Reductions : public testing::TestWithParam<std::tuple<World, int, const char*>> {
 protected:
  static const World& world() { return std::get<0>(GetParam()); }
  static int ranks() { return std::get<1>(GetParam()); }
  const ScopedVariable in_place_{"TUTTI_IN_PLACE", std::get<2>(GetParam())};

  // Runs each shape with every operation, all shapes on one communicator without barriers between.
  static void run(const std::vector<Shape>& shapes) {
    world().run(ranks(), [&](int rank, tuttiComm_t comm) {
      for (const Shape& shape : shapes) {
        all_reduce(rank, ranks(), comm, shape);
        reduce(rank, ranks(), comm, shape);
        reduce_scatter(rank, ranks(), comm, shape);
        reduce_scatterv(rank, ranks(), comm, shape);
      }
    });
  }
};

TEST_P(Reductions, AreExactForEveryTypeAndOperator) {
  std::vector<Shape> shapes;
  for (int type = 0; type < tuttiNumTypes; ++type) {
    for (int op = 0; op < tuttiNumOps; ++op) {
      shapes.push_back({.type = static_cast<tuttiDataType_t>(type),
                        .op = static_cast<tuttiRedOp_t>(op),
                        .count = static_cast<std::size_t>(37 + type),
                        .in_place = (type + op) % 2 == 0,
                        .memory = op % 2 == 0 ? Memory::kSymmetric : Memory::kPlain});
    }
  }
  run(shapes);
}

TEST_P(Reductions, AreExactForEverySizePlaceAndMemory) {
  std::vector<Shape> shapes;
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{12},
                                  std::size_t{13}, std::size_t{255}, std::size_t{1024},
                                  std::size_t{5003}, std::size_t{40'001}, world().largest_count}) {
    for (const bool in_place : {false, true}) {
      for (const Memory memory : {Memory::kSymmetric, Memory::kPlain}) {
        const tuttiDataType_t type = count % 2 == 0 ? tuttiFloat32 : tuttiBfloat16;
        shapes.push_back(
            {.type = type, .op = tuttiSum, .count = count, .in_place = in_place, .memory = memory});
      }
    }
  }
  run(shapes);
}

INSTANTIATE_TEST_SUITE_P(Ranks, Reductions,
                         testing::Combine(testing::ValuesIn(worlds()),
                                          testing::ValuesIn(rank_counts()),
                                          testing::Values("1", "0")));

bool can_run(const World& world, const std::string& algorithm) {
  return world.shared_words || algorithm != "assembly";
}

// With TUTTI_ALGO each algorithm runs on every size that it can.
class Algorithms : public testing::TestWithParam<std::tuple<World, const char*, int>> {};

TEST_P(Algorithms, GiveTheSameBits) {
  const auto& [world, algorithm, ranks] = GetParam();
  const ScopedVariable forced("TUTTI_ALGO", algorithm);
  const bool small = std::string(algorithm) == "line";
  const bool runs = can_run(world, algorithm);
  world.run(ranks, [&, n = ranks](int rank, tuttiComm_t comm) {
    if (!runs) {
      float number = 1;
      EXPECT_EQ(tuttiAllReduce(&number, &number, 1, tuttiFloat32, tuttiSum, comm, nullptr),
                tuttiInvalidUsage);
      EXPECT_NE(std::string(tuttiGetLastError(comm)).find("assembly"), std::string::npos);
      return;
    }
    for (const std::size_t count : {1u, 5u, 12u, 500u, 8000u}) {
      if (small && count > 12) break;
      for (const Memory memory : {Memory::kSymmetric, Memory::kPlain}) {
        all_reduce(rank, n, comm, {tuttiFloat32, tuttiSum, count, count % 2 == 0, memory});
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(All, Algorithms,
                         testing::Combine(testing::ValuesIn(worlds()),
                                          testing::Values("line", "assembly", "one_shot",
                                                          "two_shot", "one_shot_push",
                                                          "two_shot_push"),
                                          testing::Values(2, 3, 8)));

// Numbers of operations begin just before the 16-bit credit, the 48-bit line value and the 64-bit
// product wrap.
class Wrap : public testing::TestWithParam<std::tuple<World, std::uint64_t>> {};

TEST_P(Wrap, OfSequenceNumbersGoesUnnoticed) {
  const auto& [world, wrap] = GetParam();
  const ScopedVariable start("TUTTI_SEQUENCE_START", std::to_string(wrap - 20));
  for (const char* algorithm :
       {"line", "assembly", "one_shot", "two_shot", "one_shot_push", "two_shot_push:3"}) {
    if (!can_run(world, algorithm)) continue;
    const ScopedVariable forced("TUTTI_ALGO", algorithm);
    world.run(3, [&](int rank, tuttiComm_t comm) {
      for (int i = 0; i < 60; ++i) {
        all_reduce(rank, 3, comm, {tuttiInt32, tuttiSum, 12, false, Memory::kPlain});
      }
    });
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Wrap,
    testing::Combine(testing::ValuesIn(worlds()),
                     testing::Values(std::uint64_t{1} << 16, std::uint64_t{1} << 32,
                                     std::uint64_t{1} << 47, std::uint64_t{1} << 48)));

}  // namespace
}  // namespace tutti::test
