// The verification must accept a right result and find every kind of wrong one.
#include "perf/tutti_perf/verify.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "base/data_type.hpp"

namespace tutti::perf {
namespace {

constexpr std::uint64_t kSeed = 7;

Case make_case(Op op, int rank, int ranks, tuttiDataType_t type = tuttiInt32) {
  return {.op = op,
          .shape = shape_of(op, 960, ranks, size_of(type)),
          .type = type,
          .redop = tuttiSum,
          .root = ranks - 1,
          .rank = rank,
          .ranks = ranks};
}

std::vector<std::int32_t> input_of(Op op, int rank, int ranks) {
  const Case c = make_case(op, rank, ranks);
  std::vector<std::int32_t> input(c.shape.send_elements);
  fill_input(c, kSeed, reinterpret_cast<std::byte*>(input.data()));
  return input;
}

std::size_t wrong_in(const Case& c, const std::vector<std::int32_t>& result) {
  const auto* const bytes = reinterpret_cast<const std::byte*>(result.data());
  static ReducedValues shared;  // of one operation and number of ranks after another
  const std::size_t wrong = count_wrong(c, kSeed, bytes);
  EXPECT_EQ(count_wrong(c, kSeed, bytes, &shared), wrong);
  return wrong;
}

// Results of the operations by their definition in tutti.h, for int32.
std::vector<std::int32_t> result_of(Op op, int rank, int ranks) {
  const Case c = make_case(op, rank, ranks);
  const auto me = static_cast<std::size_t>(rank);
  const std::size_t n = c.shape.count;
  std::vector<std::int32_t> result(c.shape.recv_elements);
  for (std::size_t i = 0; i < result.size(); ++i) {
    std::int32_t sum = 0;
    for (int r = 0; r < ranks; ++r) {
      if (op == Op::kAllReduce) sum += input_of(op, r, ranks)[i];
      if (op == Op::kReduceScatter) sum += input_of(op, r, ranks)[me * n + i];
    }
    const auto block = static_cast<int>(i / n);
    if (op == Op::kAllToAll) sum = input_of(op, block, ranks)[me * n + i % n];
    if (op == Op::kAllGather) sum = input_of(op, block, ranks)[i % n];
    if (op == Op::kScatter) sum = input_of(op, c.root, ranks)[me * n + i];
    if (op == Op::kBroadcast) sum = input_of(op, c.root, ranks)[i];
    if (op == Op::kSendRecv) sum = input_of(op, (rank + ranks - 1) % ranks, ranks)[i];
    result[i] = sum;
  }
  return result;
}

TEST(PerfVerify, RightResultsPassAndOneWrongElementIsFound) {
  for (const Op op : {Op::kAllReduce, Op::kReduceScatter, Op::kAllToAll, Op::kAllGather,
                      Op::kScatter, Op::kBroadcast, Op::kSendRecv}) {
    for (const int ranks : {1, 2, 3}) {
      for (int rank = 0; rank < ranks; ++rank) {
        const Case c = make_case(op, rank, ranks);
        std::vector<std::int32_t> result = result_of(op, rank, ranks);
        EXPECT_EQ(wrong_in(c, result), 0u) << op_name(op) << " rank " << rank << "/" << ranks;
        result.back() += 1;
        EXPECT_EQ(wrong_in(c, result), 1u) << op_name(op) << " rank " << rank << "/" << ranks;
      }
    }
  }
}

TEST(PerfVerify, ExchangedBlocksAreFound) {
  std::vector<std::int32_t> result = result_of(Op::kAllToAll, 0, 2);
  std::rotate(result.begin(), result.begin() + static_cast<std::ptrdiff_t>(result.size() / 2),
              result.end());
  EXPECT_GT(wrong_in(make_case(Op::kAllToAll, 0, 2), result), result.size() / 2);
}

TEST(PerfVerify, OnlyTheRootReceivesFromGatherAndReduce) {
  EXPECT_EQ(received_elements(make_case(Op::kGather, 0, 3)), 0u);
  EXPECT_EQ(received_elements(make_case(Op::kGather, 2, 3)), 240u);
  EXPECT_EQ(received_elements(make_case(Op::kReduce, 0, 3)), 0u);
}

TEST(PerfVerify, BytesThatWereNeverWrittenAreWrong) {
  const std::vector<std::int32_t> result(240, static_cast<std::int32_t>(0xa5a5a5a5));
  EXPECT_EQ(wrong_in(make_case(Op::kAllReduce, 0, 2), result), 240u);
}

TEST(PerfVerify, InPlacePointersAreNcclsOwn) {
  std::byte memory[960];
  const Case gather = make_case(Op::kAllGather, 1, 3);
  EXPECT_EQ(in_place(gather, memory).send, memory + 320);
  EXPECT_EQ(in_place(gather, memory).recv, memory);
  const Case scatter = make_case(Op::kReduceScatter, 2, 3);
  EXPECT_EQ(in_place(scatter, memory).send, memory);
  EXPECT_EQ(in_place(scatter, memory).recv, memory + 640);
}

}  // namespace
}  // namespace tutti::perf
