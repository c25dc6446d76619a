#include "products.hpp"

#include <cblas.h>

#include <algorithm>
#include <random>
#include <vector>

namespace example {
namespace {

void multiply_block(std::size_t rows, const ProductShape& shape, const float* a, const float* b,
                    float* c) {
  const auto m = static_cast<blasint>(rows), n = static_cast<blasint>(shape.columns),
             k = static_cast<blasint>(shape.depth);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0f, a, k, b, n, 0.0f, c, n);
}

std::vector<float> random_values(unsigned seed, std::size_t count) {
  std::minstd_rand random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random()) * 0x1p-30f - 1.0f;
  return values;
}

// Whether equal rows have bit-equal products wherever they stand in a block.
bool places_agree(std::size_t rows, const ProductShape& shape) {
  const std::vector<float> row = random_values(1, shape.depth);
  const std::vector<float> b = random_values(2, shape.depth * shape.columns);
  std::vector<float> a;
  for (std::size_t i = 0; i < rows; ++i) a.insert(a.end(), row.begin(), row.end());
  std::vector<float> c(rows * shape.columns);
  multiply_block(rows, shape, a.data(), b.data(), c.data());
  for (std::size_t i = 1; i < rows; ++i) {
    if (!std::equal(c.begin(), c.begin() + static_cast<std::ptrdiff_t>(shape.columns),
                    c.begin() + static_cast<std::ptrdiff_t>(i * shape.columns))) {
      return false;
    }
  }
  return true;
}

}  // namespace

Products::Products(std::size_t most_rows, std::span<const ProductShape> shapes)
    : block_rows_(most_rows) {
  openblas_set_num_threads(1);  // ranks are the parallelism
  while (block_rows_ > 1 && !std::all_of(shapes.begin(), shapes.end(), [&](const auto& shape) {
           return places_agree(block_rows_, shape);
         })) {
    block_rows_ /= 2;
  }
}

void Products::multiply(std::size_t rows, const ProductShape& shape, const float* a, const float* b,
                        float* c) const {
  for (std::size_t first = 0; first < rows; first += block_rows_) {
    multiply_block(block_rows_, shape, a + first * shape.depth, b, c + first * shape.columns);
  }
}

}  // namespace example
