#include "channel/fingerprint.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tutti {

namespace {

constexpr OperationShape kShape = {
    .kind = OperationKind::kReduce, .type = tuttiFloat32, .op = tuttiSum, .root = 5, .count = 1000};

template <typename Change>
std::uint64_t changed(Change change) {
  OperationShape shape = kShape;
  change(shape);
  return fingerprint_of(shape);
}

}  // namespace

TEST(Fingerprint, LeavesTheStampsUpperBitsFree) {
  OperationShape shape = {.kind = OperationKind::kMoeCombine,
                          .type = static_cast<tuttiDataType_t>(tuttiNumTypes - 1),
                          .op = tuttiNumOps,
                          .root = 4095,
                          .count = ~std::uint64_t{0}};
  for (int i = 0; i < 64; ++i, shape.count >>= 1) {
    EXPECT_EQ(fingerprint_of(shape) & ~kFingerprintMask, 0U);
  }
}

TEST(Fingerprint, EveryArgumentCounts) {
  const std::uint64_t before = fingerprint_of(kShape);
  EXPECT_NE(changed([](OperationShape& s) { s.kind = OperationKind::kBroadcast; }), before);
  EXPECT_NE(changed([](OperationShape& s) { s.type = tuttiFloat64; }), before);
  EXPECT_NE(changed([](OperationShape& s) { s.op = tuttiMax; }), before);
  EXPECT_NE(changed([](OperationShape& s) { s.root = 6; }), before);
  EXPECT_NE(changed([](OperationShape& s) { s.count = 1001; }), before);
  EXPECT_EQ(changed([](OperationShape&) {}), before);
}

TEST(Fingerprint, NearbyCountsDiffer) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t count = 0; count < 10'000; ++count) {
    seen.insert(changed([count](OperationShape& s) { s.count = count; }));
  }
  // 10,000 draws from 2^23 values collide about six times.
  EXPECT_GT(seen.size(), 9'900U);
}

TEST(Fingerprint, OperatorsOfUsersAreOneOperator) {
  const auto one = changed(
      [](OperationShape& s) { s.op = static_cast<tuttiRedOp_t>(static_cast<int>(tuttiNumOps)); });
  EXPECT_NE(one, fingerprint_of(kShape));
}

TEST(Fingerprint, DifferingArgumentsAreNamed) {
  const std::uint64_t before = fingerprint_of(kShape);
  const auto difference = [&](auto change) { return differing_arguments(changed(change), before); };
  EXPECT_EQ(difference([](OperationShape& s) { s.type = tuttiFloat64; }), "type");
  EXPECT_EQ(difference([](OperationShape& s) { s.count = 1001; }), "count");
  EXPECT_EQ(difference([](OperationShape& s) { s.kind = OperationKind::kBarrier; }), "");
}

TEST(Fingerprint, DigestedArgumentsAreNamed) {
  const auto dispatch = [](std::uint64_t row_bytes, std::uint64_t align, std::uint64_t layout) {
    return fingerprint_of(
        {.kind = OperationKind::kMoeDispatch,
         .digests = digests_of(kMoeDispatchArguments, {row_bytes, 0, align, layout, 0})});
  };
  EXPECT_EQ(differing_arguments(dispatch(14336, 1, 0), dispatch(7168, 1, 0)), "row_bytes");
  EXPECT_EQ(differing_arguments(dispatch(14336, 128, 1), dispatch(14336, 1, 0)), "align, layout");
  const auto same = dispatch(14336, 1, 0);
  EXPECT_NE(differing_arguments(same, same | std::uint64_t{1} << 30), "") << "the count's digest";
}

TEST(Fingerprint, TextsNameTheArgumentsThatTheOperationHas) {
  EXPECT_EQ(describe_fingerprint(fingerprint_of(
                {.kind = OperationKind::kBroadcast, .type = tuttiInt8, .root = 3, .count = 9})),
            "Broadcast(int8, root 3)");
  EXPECT_EQ(describe_fingerprint(fingerprint_of({.kind = OperationKind::kBarrier})), "Barrier()");
  EXPECT_EQ(describe_fingerprint(31), "an unknown operation");
}

}  // namespace tutti
