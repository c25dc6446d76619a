// The all-reduce by groups against a reference that adds up in the same order: by rank within a
// group, then by group, with what is smaller than float rounded once.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/collectives/buffers.hpp"
#include "tests/collectives/elements.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {
namespace {

struct Levels {
  int ranks;
  int group;
};

void PrintTo(const Levels& levels, std::ostream* out) {
  *out << levels.ranks << "_in_groups_of_" << levels.group;
}

std::vector<Levels> levels() {
  if (kSanitized) return {{4, 2}, {6, 3}};
  return {{4, 2}, {6, 2}, {6, 3}, {8, 2}, {8, 4}, {9, 3}};
}

// All magnitudes that the type has room for: another order of the additions, or another rounding,
// would give other bits.
std::vector<std::byte> uneven(tuttiDataType_t type, std::size_t count, int rank) {
  std::mt19937 random(static_cast<std::uint32_t>(rank) * 77 + static_cast<std::uint32_t>(type));
  const bool small = size_of(type) < 4;
  return elements(type, count, [&](std::size_t i) {
    if (small) return static_cast<int>(random() % 401) / (i % 3 == 0 ? 50 : 1) - 4;
    return (static_cast<int>(random() % 4001) - 2000) * (i % 3 == 0 ? 1 : 7919);
  });
}

template <typename T>
T combined(tuttiRedOp_t op, T a, T b) {
  if (op == tuttiMin) return std::isnan(double(a)) || a < b ? a : b;
  if (op == tuttiMax) return std::isnan(double(a)) || a > b ? a : b;
  if constexpr (std::is_integral_v<T>) {
    const auto x = static_cast<std::uint64_t>(a);
    const auto y = static_cast<std::uint64_t>(b);
    return static_cast<T>(op == tuttiProd ? x * y : x + y);
  } else {
    return op == tuttiProd ? a * b : a + b;
  }
}

// As T of every rank's element; the result is stored by `store`.
template <typename T, typename Load>
T two_level_of(tuttiRedOp_t op, const Levels& levels, Load load) {
  T all{};
  for (int first = 0; first < levels.ranks; first += levels.group) {
    T sum = load(first);
    for (int i = 1; i < levels.group; ++i) sum = combined(op, sum, T(load(first + i)));
    all = first == 0 ? sum : combined(op, all, sum);
  }
  if (op == tuttiAvg) all = static_cast<T>(all / static_cast<T>(levels.ranks));
  if constexpr (!std::is_integral_v<T>) {
    if (std::isnan(all)) all = std::numeric_limits<T>::quiet_NaN();
  }
  return all;
}

using Inputs = std::vector<std::vector<std::byte>>;

template <typename T>
void expect_as(tuttiRedOp_t op, const Levels& levels, const Inputs& inputs,
               std::vector<std::byte>& result) {
  for (std::size_t at = 0; at < result.size(); at += sizeof(T)) {
    const T value = two_level_of<T>(op, levels, [&](int rank) {
      T element;
      std::memcpy(&element, inputs[static_cast<std::size_t>(rank)].data() + at, sizeof(T));
      return element;
    });
    std::memcpy(result.data() + at, &value, sizeof(T));
  }
}

template <typename Bits>
void expect_narrow(const kernels::FloatFormat& format, tuttiRedOp_t op, const Levels& levels,
                   const Inputs& inputs, std::vector<std::byte>& result) {
  for (std::size_t at = 0; at < result.size(); at += sizeof(Bits)) {
    const float value = two_level_of<float>(op, levels, [&](int rank) {
      Bits bits;
      std::memcpy(&bits, inputs[static_cast<std::size_t>(rank)].data() + at, sizeof(Bits));
      return kernels::widen(format, bits);
    });
    const auto bits = static_cast<Bits>(kernels::narrow(format, value));
    std::memcpy(result.data() + at, &bits, sizeof(Bits));
  }
}

std::vector<std::byte> reference(tuttiDataType_t type, tuttiRedOp_t op, const Levels& levels,
                                 const Inputs& inputs) {
  std::vector<std::byte> result(inputs[0].size());
  const auto as = [&](auto zero) { expect_as<decltype(zero)>(op, levels, inputs, result); };
  switch (type) {
    case tuttiInt8:
      as(std::int8_t{});
      break;
    case tuttiUint8:
      as(std::uint8_t{});
      break;
    case tuttiInt32:
      as(std::int32_t{});
      break;
    case tuttiUint32:
      as(std::uint32_t{});
      break;
    case tuttiInt64:
      as(std::int64_t{});
      break;
    case tuttiUint64:
      as(std::uint64_t{});
      break;
    case tuttiFloat32:
      as(float{});
      break;
    case tuttiFloat64:
      as(double{});
      break;
    case tuttiFloat16:
    case tuttiBfloat16:
      expect_narrow<std::uint16_t>(kernels::format_of(type), op, levels, inputs, result);
      break;
    default:
      expect_narrow<std::uint8_t>(kernels::format_of(type), op, levels, inputs, result);
  }
  return result;
}

struct Case {
  tuttiDataType_t type;
  tuttiRedOp_t op;
  bool in_place;
  Memory memory;
  Inputs inputs;
  std::vector<std::byte> expected;
};

class TwoLevel : public testing::TestWithParam<std::tuple<World, Levels>> {
 protected:
  static const World& world() { return std::get<0>(GetParam()); }
  static const Levels& levels() { return std::get<1>(GetParam()); }
  static std::string algorithm() { return "two_level:" + std::to_string(levels().group); }

  static Case make(tuttiDataType_t type, tuttiRedOp_t op, std::size_t count, bool in_place,
                   Memory memory) {
    Inputs inputs;
    for (int rank = 0; rank < levels().ranks; ++rank) inputs.push_back(uneven(type, count, rank));
    std::vector<std::byte> expected = reference(type, op, levels(), inputs);
    return {type, op, in_place, memory, std::move(inputs), std::move(expected)};
  }

  static void reduce(std::span<const Case> cases) {
    const ScopedVariable forced("TUTTI_ALGO", algorithm());
    world().run(levels().ranks, [cases](int rank, tuttiComm_t comm) {
      for (const Case& c : cases) {
        const auto& input = c.inputs[static_cast<std::size_t>(rank)];
        Buffer send(c.memory, input.size());
        Buffer recv(Memory::kPlain, input.size());
        send.fill(input);
        std::byte* const to = c.in_place ? send.data() : recv.data();
        const std::size_t count = input.size() / size_of(c.type);
        expect_ok(tuttiAllReduce(send.data(), to, count, c.type, c.op, comm, nullptr), comm);
        EXPECT_TRUE(same({to, input.size()}, c.expected))
            << name_of(c.type) << " " << name_of(c.op) << " " << count;
        if (!c.in_place) {
          EXPECT_TRUE(same(send.bytes(), input)) << name_of(c.type);
        }
      }
    });
  }
};

constexpr tuttiRedOp_t kOps[] = {tuttiSum, tuttiProd, tuttiMax, tuttiMin, tuttiAvg};

TEST_P(TwoLevel, ReducesEveryTypeByEveryOperator) {
  std::vector<Case> cases;
  for (int type = 0; type < tuttiNumTypes; ++type) {
    for (const tuttiRedOp_t op : kOps) {
      for (const std::size_t count : {0, 1, 67, 1003}) {
        const bool odd = cases.size() % 2 != 0;
        cases.push_back(make(static_cast<tuttiDataType_t>(type), op, count, odd,
                             cases.size() % 3 == 0 ? Memory::kSymmetric : Memory::kPlain));
      }
    }
  }
  reduce(cases);
}

TEST_P(TwoLevel, ReducesMuchChunkByChunk) {
  std::vector<Case> cases;
  for (const tuttiDataType_t type : {tuttiFloat32, tuttiBfloat16, tuttiFloat8e4m3, tuttiInt64}) {
    for (const bool in_place : {false, true}) {
      cases.push_back(make(type, in_place ? tuttiSum : tuttiAvg, world().largest_count, in_place,
                           in_place ? Memory::kSymmetric : Memory::kPlain));
    }
  }
  reduce(cases);
}

// Staging is put into in turn, by an operation that waits for few in the end.
TEST_P(TwoLevel, KeepsItsOrderOverManyEpochs) {
  const ScopedVariable forced("TUTTI_ALGO", algorithm());
  world().run(levels().ranks, [](int rank, tuttiComm_t comm) {
    std::vector<std::uint32_t> numbers(700);
    for (std::uint32_t epoch = 0; epoch < 300; ++epoch) {
      std::fill(numbers.begin(), numbers.end(), epoch + static_cast<std::uint32_t>(rank));
      ASSERT_EQ(tuttiAllReduce(numbers.data(), numbers.data(), numbers.size(), tuttiUint32,
                               tuttiMax, comm, nullptr),
                tuttiSuccess)
          << tuttiGetLastError(comm);
      const std::vector<std::uint32_t> want(numbers.size(),
                                            epoch + static_cast<std::uint32_t>(levels().ranks) - 1);
      ASSERT_EQ(numbers, want);
    }
  });
}

TEST_P(TwoLevel, FindsARankThatMeansSomethingElse) {
  const ScopedVariable forced("TUTTI_ALGO", algorithm());
  std::vector<tuttiResult_t> codes(static_cast<std::size_t>(levels().ranks));
  world().run(levels().ranks, [&](int rank, tuttiComm_t comm) {
    std::vector<float> numbers(640, 1.0f);
    codes[static_cast<std::size_t>(rank)] =
        tuttiAllReduce(numbers.data(), numbers.data(), rank == 0 ? 630 : 640, tuttiFloat32,
                       tuttiSum, comm, nullptr);
  });
  for (const tuttiResult_t code : codes) EXPECT_EQ(code, tuttiMismatch);
}

TEST_P(TwoLevel, LeavesScaledSumsAndSingleGroupsToOthers) {
  for (const std::string& name : {std::string("two_level"), algorithm()}) {
    const ScopedVariable forced("TUTTI_ALGO", name);
    world().run(levels().ranks, [&](int, tuttiComm_t comm) {
      float number = 1, scale = 2;
      tuttiRedOp_t op = tuttiSum;
      if (name == algorithm()) {
        expect_ok(
            tuttiRedOpCreatePreMulSum(&op, &scale, tuttiFloat32, tuttiScalarHostImmediate, comm),
            comm);
      }
      EXPECT_EQ(tuttiAllReduce(&number, &number, 1, tuttiFloat32, op, comm, nullptr),
                tuttiInvalidUsage);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, TwoLevel,
                         testing::Combine(testing::ValuesIn(worlds()),
                                          testing::ValuesIn(levels())));

}  // namespace
}  // namespace tutti::test
