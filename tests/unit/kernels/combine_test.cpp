// weighted_sum() against a serial reference, bit by bit, on every instruction set.
#include "kernels/combine.hpp"

#include <gtest/gtest.h>

#include <tuple>

#include "each_target.hpp"
#include "reference.hpp"

namespace tutti::kernels {
namespace {

struct Shape {
  std::size_t rows, biases, hidden;
  bool weighted;
};

std::vector<std::byte> reference_sum(tuttiDataType_t type, const Shape& shape,
                                     const std::vector<const std::byte*>& rows,
                                     const std::vector<float>& weights,
                                     const std::vector<const std::byte*>& biases) {
  std::vector<std::byte> result(shape.hidden * size_of(type));
  for (std::size_t h = 0; h < shape.hidden; ++h) {
    std::vector<float> addends;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const auto value = static_cast<float>(as_float(type, element(type, rows[k], h)));
      addends.push_back(shape.weighted ? weights[k] * value : value);
    }
    for (const std::byte* bias : biases) {
      addends.push_back(static_cast<float>(as_float(type, element(type, bias, h))));
    }
    float sum = addends.empty() ? 0.0f : addends[0];
    for (std::size_t a = 1; a < addends.size(); ++a) sum = sum + addends[a];
    const std::uint64_t word = from_double(type, static_cast<double>(sum));
    std::memcpy(result.data() + h * size_of(type), &word, size_of(type));
  }
  return result;
}

class WeightedSum : public testing::TestWithParam<tuttiDataType_t> {
 protected:
  void check(const Shape& shape, Inputs inputs) {
    const tuttiDataType_t type = GetParam();
    std::mt19937_64 random(shape.rows * 100 + shape.biases);
    std::vector<std::vector<std::byte>> contents;
    for (std::size_t i = 0; i < shape.rows + shape.biases; ++i) {
      contents.push_back(input_buffer(type, shape.hidden, inputs, random));
    }
    std::vector<const std::byte*> rows, biases;
    std::vector<float> weights;
    for (std::size_t i = 0; i < contents.size(); ++i) {
      (i < shape.rows ? rows : biases).push_back(contents[i].data());
    }
    for (std::size_t k = 0; k < shape.rows; ++k) {
      weights.push_back(static_cast<float>(random() >> 40) / 0x1p24f);
    }
    const std::span<const float> given = shape.weighted ? weights : std::span<const float>();
    const auto wanted = reference_sum(type, shape, rows, weights, biases);
    std::vector<std::byte> out(wanted.size() + 64, std::byte{0xee});
    weighted_sum(type, out.data(), rows, given, biases, shape.hidden);
    const std::vector<std::byte> beyond(out.end() - 64, out.end());
    ASSERT_EQ(beyond, std::vector<std::byte>(64, std::byte{0xee}));
    out.resize(wanted.size());
    ASSERT_TRUE(out == wanted) << shape.rows << " rows, " << shape.biases << " biases, hidden "
                               << shape.hidden << ", weighted " << shape.weighted;
    if (contents.empty()) return;
    weighted_sum(type, contents[0].data(), rows, given, biases, shape.hidden);
    ASSERT_TRUE(contents[0] == wanted) << "in place of the first addend";
  }
};

TEST_P(WeightedSum, AddsRoundedProductsInOrderAndBiasesLast) {
  on_each_target([&] {
    for (const std::size_t rows : {0u, 1u, 2u, 3u, 8u, 64u}) {
      for (const std::size_t biases : {0u, 1u, 3u}) {
        for (const std::size_t hidden : {0u, 1u, 33u, 1031u}) {
          for (const bool weighted : {true, false}) {
            check({rows, biases, hidden, weighted}, Inputs::ordinary);
            check({rows, biases, hidden, weighted}, Inputs::any_bits);
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  });
}

TEST_P(WeightedSum, StartsFromTheFirstProductSoThatMinusZeroStays) {
  const tuttiDataType_t type = GetParam();
  const std::size_t size = size_of(type);
  const std::uint64_t minus_zero = 1ull << (8 * size - 1);
  std::vector<std::byte> row(5 * size);
  for (std::size_t i = 0; i < 5; ++i) std::memcpy(row.data() + i * size, &minus_zero, size);
  const std::byte* const rows[] = {row.data(), row.data()};
  const float weights[] = {0.5f, 2.0f};
  on_each_target([&] {
    std::vector<std::byte> out(5 * size);
    weighted_sum(type, out.data(), rows, weights, {}, 5);
    EXPECT_EQ(out, row);
  });
}

TEST_P(WeightedSum, IsPlusZeroWithoutAddends) {
  on_each_target([&] {
    std::vector<std::byte> out(100 * size_of(GetParam()), std::byte{0xff});
    weighted_sum(GetParam(), out.data(), {}, {}, {}, 100);
    EXPECT_EQ(out, std::vector<std::byte>(out.size()));
  });
}

std::string case_name(const testing::TestParamInfo<tuttiDataType_t>& instance) {
  return name_of(instance.param);
}

INSTANTIATE_TEST_SUITE_P(RowTypes, WeightedSum,
                         testing::Values(tuttiFloat32, tuttiBfloat16, tuttiFloat16), case_name);

}  // namespace
}  // namespace tutti::kernels
