// reduce() with one scalar per source (PreMulSum), and averages with divisors that are not the
// number of sources.
#include <gtest/gtest.h>

#include "each_target.hpp"
#include "kernels/reduce.hpp"
#include "reference.hpp"

namespace tutti::kernels {
namespace {

// The product of an element and its source's scalar, in the accumulation type, as the sum sees it.
template <typename T>
std::uint64_t scaled_sum(tuttiDataType_t type, int divisor, std::span<const std::uint64_t> words,
                         std::span<const std::uint64_t> scales) {
  T result{};
  for (std::size_t s = 0; s < words.size(); ++s) {
    const T value = static_cast<T>(as_float(type, words[s]));
    const T product = value * static_cast<T>(as_float(type, scales[s]));
    result = s == 0 ? product : result + product;
  }
  return from_double(type, static_cast<double>(result / static_cast<T>(divisor)));
}

std::uint64_t wanted_word(tuttiDataType_t type, int divisor, std::span<const std::uint64_t> words,
                          std::span<const std::uint64_t> scales) {
  if (type == tuttiFloat64) return scaled_sum<double>(type, divisor, words, scales);
  if (!is_integer(type)) return scaled_sum<float>(type, divisor, words, scales);
  std::vector<std::uint64_t> products(words.size());
  for (std::size_t s = 0; s < words.size(); ++s) products[s] = words[s] * scales[s];
  return reference_integer(type, tuttiAvg, divisor, products);
}

class ReduceScaled : public testing::TestWithParam<int> {
 protected:
  tuttiDataType_t type() const { return static_cast<tuttiDataType_t>(GetParam()); }

  void check(std::size_t sources, Inputs inputs, tuttiRedOp_t op, int divisor) {
    constexpr std::size_t kCount = 517;
    const std::size_t size = size_of(type());
    std::mt19937_64 random(sources);
    std::vector<std::vector<std::byte>> contents;
    std::vector<const std::byte*> pointers;
    std::vector<std::uint64_t> scales;
    contents.reserve(sources);
    pointers.reserve(sources);
    scales.reserve(sources);
    for (std::size_t s = 0; s < sources; ++s) {
      contents.push_back(input_buffer(type(), kCount, inputs, random));
      const std::uint64_t garbage = size == 8 ? 0 : ~0ull << (8 * size);
      scales.push_back(input_word(type(), Inputs::ordinary, random) | garbage);
    }
    for (const auto& content : contents) pointers.push_back(content.data());
    std::vector<std::byte> result(kCount * size);
    std::byte* const destination[] = {result.data()};
    reduce({type(), op, divisor}, destination, pointers, kCount, scales);
    std::vector<std::uint64_t> words(sources);
    for (std::size_t i = 0; i < kCount; ++i) {
      for (std::size_t s = 0; s < sources; ++s) words[s] = element(type(), pointers[s], i);
      std::uint64_t wanted = wanted_word(type(), divisor, words, low_bytes(scales));
      if (size < 8) wanted &= (1ull << (8 * size)) - 1;
      ASSERT_EQ(element(type(), result.data(), i), wanted)
          << name_of(type()) << " element " << i << " of " << sources << " sources";
    }
  }

 private:
  std::vector<std::uint64_t> low_bytes(std::vector<std::uint64_t> words) const {
    const int unused = 64 - 8 * static_cast<int>(size_of(type()));
    for (std::uint64_t& word : words) word = word << unused >> unused;
    return words;
  }
};

TEST_P(ReduceScaled, MultipliesEachSourceBeforeTheSum) {
  on_each_target([&] {
    for (const std::size_t sources : {1u, 2u, 3u, 8u}) {
      check(sources, Inputs::ordinary, tuttiSum, 1);
      check(sources, Inputs::any_bits, tuttiSum, 1);
    }
  });
}

TEST_P(ReduceScaled, DividesTheScaledSum) {
  on_each_target([&] {
    check(3, Inputs::any_bits, tuttiAvg, 3);
    check(2, Inputs::ordinary, tuttiAvg, 384);
    check(2, Inputs::any_bits, tuttiAvg, 1024);
  });
}

std::string type_name(const testing::TestParamInfo<int>& instance) {
  return name_of(static_cast<tuttiDataType_t>(instance.param));
}

INSTANTIATE_TEST_SUITE_P(EveryType, ReduceScaled,
                         testing::Range(0, static_cast<int>(tuttiNumTypes)), type_name);

TEST(ReduceAverage, MultipliesByReciprocalsOfPowersOfTwoWithoutChangingTheResult) {
  std::mt19937_64 random(3);
  for (const tuttiDataType_t type : {tuttiFloat32, tuttiFloat64, tuttiFloat16}) {
    const auto a = input_buffer(type, 4001, Inputs::any_bits, random);
    const auto b = input_buffer(type, 4001, Inputs::any_bits, random);
    const std::byte* const sources[] = {a.data(), b.data()};
    for (const int divisor : {1, 2, 3, 64, 1000, 1 << 30}) {
      const auto wanted = reference_reduce(type, tuttiAvg, divisor, sources, 4001);
      on_each_target([&] {
        std::vector<std::byte> result(wanted.size());
        std::byte* const destination[] = {result.data()};
        reduce({type, tuttiAvg, divisor}, destination, sources, 4001);
        EXPECT_EQ(result, wanted) << name_of(type) << " / " << divisor;
      });
    }
  }
}

}  // namespace
}  // namespace tutti::kernels
