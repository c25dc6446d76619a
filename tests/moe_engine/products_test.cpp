// Rows of a product depend on nothing but their input: what bit-identical logits rest on.
#include "examples/common/products.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "examples/moe_engine/engine/transformer.hpp"

namespace moe_engine::test {
namespace {

std::vector<float> random_floats(std::mt19937& random, std::size_t count) {
  std::normal_distribution<float> distribution;
  std::vector<float> values(count);
  for (float& value : values) value = distribution(random);
  return values;
}

// One row at every place among others, in batches of every size up to three blocks.
TEST(Products, ARowIsTheSameInEveryBatch) {
  std::mt19937 random(7);
  const Model model(MODEL);
  const auto shapes = product_shapes(model.config());
  const example::Products products(8, shapes);
  for (const auto& shape : shapes) {
    const auto row = random_floats(random, shape.depth);
    const auto b = random_floats(random, shape.depth * shape.columns);
    std::vector<float> first;
    for (std::size_t rows = 1; rows <= 3 * products.block_rows(); ++rows) {
      auto a = random_floats(random, products.padded(rows) * shape.depth);
      const std::size_t place = random() % rows;
      std::copy(row.begin(), row.end(), &a[place * shape.depth]);
      std::vector<float> c(products.padded(rows) * shape.columns);
      products.multiply(rows, shape, a.data(), b.data(), c.data());
      const std::vector<float> product(&c[place * shape.columns],
                                       &c[place * shape.columns] + shape.columns);
      if (first.empty()) first = product;
      ASSERT_EQ(product, first) << rows << " rows, at " << place;
    }
  }
}

TEST(Products, AreRight) {
  std::mt19937 random(8);
  const example::ProductShape shape{.columns = 5, .depth = 7};
  const example::Products products(8, std::span(&shape, 1));
  const auto a = random_floats(random, products.padded(3) * shape.depth);
  const auto b = random_floats(random, shape.depth * shape.columns);
  std::vector<float> c(products.padded(3) * shape.columns);
  products.multiply(3, shape, a.data(), b.data(), c.data());
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < shape.columns; ++column) {
      double sum = 0;
      for (std::size_t d = 0; d < shape.depth; ++d) {
        sum += double{a[row * shape.depth + d]} * double{b[d * shape.columns + column]};
      }
      EXPECT_NEAR(c[row * shape.columns + column], sum, 1e-5);
    }
  }
}

}  // namespace
}  // namespace moe_engine::test
