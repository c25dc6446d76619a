// Pre-multiplied sums: sum over ranks of scalar_r * x_r.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <string>
#include <vector>

#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

class PreMulSum : public ::testing::TestWithParam<int> {};

// Small whole numbers: exact in every type.
template <typename T>
T input(int rank, std::size_t i) {
  return static_cast<T>((static_cast<std::size_t>(rank) + i) % 5 + 1);
}
template <typename T>
T scalar_of(int rank) {
  return static_cast<T>(rank % 3 + 1);
}
template <typename T>
T expected(int ranks, std::size_t i) {
  T sum = 0;
  for (int r = 0; r < ranks; ++r) sum = static_cast<T>(sum + scalar_of<T>(r) * input<T>(r, i));
  return sum;
}

template <typename T>
void check_type(ThreadWorld& world, tuttiDataType_t type, tuttiScalarResidence_t residence) {
  on_ranks(world.ranks(), [&](int rank) {
    const tuttiComm_t comm = world[rank];
    T scalar = scalar_of<T>(rank);
    tuttiRedOp_t op = tuttiSum;
    if (residence == tuttiScalarDevice) scalar = 99;  // set before the operation runs
    ASSERT_EQ(tuttiRedOpCreatePreMulSum(&op, &scalar, type, residence, comm), tuttiSuccess);
    scalar = residence == tuttiScalarDevice ? scalar_of<T>(rank) : T{99};
    ASSERT_GE(op, tuttiNumOps);
    const auto ranks = static_cast<std::size_t>(world.ranks());
    for (const std::size_t count : {0u, 1u, 13u, 3000u, 70001u}) {
      std::vector<T> data(count * ranks);
      for (std::size_t i = 0; i < data.size(); ++i) data[i] = input<T>(rank, i);
      std::vector<T> out(count, T{0});
      ASSERT_EQ(tuttiAllReduce(data.data(), out.data(), count, type, op, comm, nullptr),
                tuttiSuccess)
          << tuttiGetLastError(comm);
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(out[i], expected<T>(world.ranks(), i)) << i;
      const int root = world.ranks() - 1;
      std::fill(out.begin(), out.end(), T{0});
      ASSERT_EQ(tuttiReduce(data.data(), out.data(), count, type, op, root, comm, nullptr),
                tuttiSuccess);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(out[i], rank == root ? expected<T>(world.ranks(), i) : T{0}) << i;
      }
      ASSERT_EQ(tuttiReduceScatter(data.data(), out.data(), count, type, op, comm, nullptr),
                tuttiSuccess);
      const std::size_t first = static_cast<std::size_t>(rank) * count;
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(out[i], expected<T>(world.ranks(), first + i)) << i;
      }
      const std::vector<std::size_t> counts(ranks, count);
      std::vector<std::size_t> displacements(ranks);
      for (std::size_t r = 0; r < ranks; ++r) displacements[r] = r * count;
      std::fill(out.begin(), out.end(), T{0});
      ASSERT_EQ(tuttiReduceScatterv(data.data(), counts.data(), displacements.data(), out.data(),
                                    type, op, comm, nullptr),
                tuttiSuccess);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(out[i], expected<T>(world.ranks(), first + i)) << i;
      }
    }
    EXPECT_EQ(tuttiRedOpDestroy(op, comm), tuttiSuccess);
  });
}

TEST_P(PreMulSum, MultipliesEveryRanksInputByItsScalar) {
  ThreadWorld world(GetParam());
  for (const auto residence : {tuttiScalarHostImmediate, tuttiScalarDevice}) {
    check_type<float>(world, tuttiFloat32, residence);
    check_type<double>(world, tuttiFloat64, residence);
    check_type<std::int32_t>(world, tuttiInt32, residence);
    check_type<std::uint8_t>(world, tuttiUint8, residence);
    check_type<std::int64_t>(world, tuttiInt64, residence);
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, PreMulSum, ::testing::Values(1, 2, 3, 4, 7, 8));

TEST(PreMulSumOnAStream, TheDeviceScalarIsReadWhenTheOperationRuns) {
  ThreadWorld world(2);
  on_ranks(2, [&](int rank) {
    tuttiStream_t stream = nullptr;
    ASSERT_EQ(tuttiStreamCreate(&stream), tuttiSuccess);
    float scalar = 0;
    tuttiRedOp_t op = tuttiSum;
    ASSERT_EQ(tuttiRedOpCreatePreMulSum(&op, &scalar, tuttiFloat32, tuttiScalarDevice, world[rank]),
              tuttiSuccess);
    float value = 10;
    const auto set = [](void* at) { *static_cast<float*>(at) = 3; };
    ASSERT_EQ(tuttiLaunchHostFunc(stream, set, &scalar), tuttiSuccess);
    ASSERT_EQ(tuttiAllReduce(&value, &value, 1, tuttiFloat32, op, world[rank], stream),
              tuttiSuccess);
    ASSERT_EQ(tuttiStreamSynchronize(stream), tuttiSuccess);
    EXPECT_EQ(value, 60);
    tuttiStreamDestroy(stream);
  });
}

TEST(PreMulSumErrors, WrongHandlesAndTypesAreArguments) {
  ThreadWorld world(1);
  ThreadWorld other(1);
  float scalar = 2;
  float data = 1;
  tuttiRedOp_t op = tuttiSum;
  const auto reduce = [&](tuttiRedOp_t by, tuttiDataType_t type) {
    return tuttiAllReduce(&data, &data, 1, type, by, world[0], nullptr);
  };
  EXPECT_EQ(tuttiRedOpCreatePreMulSum(nullptr, &scalar, tuttiFloat32, tuttiScalarDevice, world[0]),
            tuttiInvalidArgument);
  EXPECT_EQ(tuttiRedOpCreatePreMulSum(&op, nullptr, tuttiFloat32, tuttiScalarDevice, world[0]),
            tuttiInvalidArgument);
  EXPECT_EQ(tuttiRedOpCreatePreMulSum(&op, &scalar, tuttiNumTypes, tuttiScalarDevice, world[0]),
            tuttiInvalidArgument);
  ASSERT_EQ(
      tuttiRedOpCreatePreMulSum(&op, &scalar, tuttiFloat32, tuttiScalarHostImmediate, world[0]),
      tuttiSuccess);
  EXPECT_EQ(reduce(op, tuttiInt32), tuttiInvalidArgument);
  EXPECT_NE(std::string(tuttiGetLastError(world[0])).find("made for float"), std::string::npos);
  EXPECT_EQ(reduce(tuttiNumOps, tuttiFloat32), tuttiInvalidArgument);
  EXPECT_EQ(reduce(static_cast<tuttiRedOp_t>(op + 1), tuttiFloat32), tuttiInvalidArgument);
  EXPECT_EQ(tuttiAllReduce(&data, &data, 1, tuttiFloat32, op, other[0], nullptr),
            tuttiInvalidArgument);
  EXPECT_EQ(tuttiRedOpDestroy(op, other[0]), tuttiInvalidArgument);
  EXPECT_EQ(tuttiRedOpDestroy(tuttiSum, world[0]), tuttiInvalidArgument);
  EXPECT_EQ(reduce(op, tuttiFloat32), tuttiSuccess);
  EXPECT_EQ(data, 2);
  EXPECT_EQ(tuttiRedOpDestroy(op, world[0]), tuttiSuccess);
  EXPECT_EQ(tuttiRedOpDestroy(op, world[0]), tuttiInvalidArgument);
  tuttiRedOp_t successor = tuttiSum;
  ASSERT_EQ(tuttiRedOpCreatePreMulSum(&successor, &scalar, tuttiFloat32, tuttiScalarHostImmediate,
                                      world[0]),
            tuttiSuccess);
  EXPECT_EQ(reduce(op, tuttiFloat32), tuttiInvalidArgument);
  EXPECT_EQ(data, 2);
}

}  // namespace
}  // namespace tutti::test
