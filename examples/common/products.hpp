// Matrix products, by OpenBLAS, of which every row depends on its own input alone.
#pragma once

#include <cstddef>
#include <span>

namespace example {

// Of b [depth, columns] in c [rows, columns] = a [rows, depth] * b.
struct ProductShape {
  std::size_t columns, depth;
};

// Rows are multiplied in blocks of a fixed number, the last one padded. A row's product depends
// neither on the rows around it, since the shape is fixed, nor on its place in a block, which is
// tried beforehand: ranks that batch differently agree bit for bit.
class Products {
 public:
  // Blocks have `most_rows`, a power of two, or a half, a quarter, ... of them where the kernels of
  // this processor treat the last rows of a block unlike the first ones in one of `shapes`.
  Products(std::size_t most_rows, std::span<const ProductShape> shapes);

  std::size_t block_rows() const { return block_rows_; }
  std::size_t padded(std::size_t rows) const {
    return (rows + block_rows_ - 1) / block_rows_ * block_rows_;
  }

  // c = a * b. `a` and `c` have padded(rows) rows; those beyond `rows` mean nothing.
  void multiply(std::size_t rows, const ProductShape& shape, const float* a, const float* b,
                float* c) const;

 private:
  std::size_t block_rows_;
};

}  // namespace example
