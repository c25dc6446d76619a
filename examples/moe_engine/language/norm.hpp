// RMS normalisation.
#pragma once

#include <cmath>
#include <cstddef>

namespace moe_engine {

// out = x / sqrt(mean(x^2) + eps) * gain, for each of `rows` rows of `dim` elements. Sums are in
// double, in ascending order.
inline void rms_norm(std::size_t rows, std::size_t dim, const float* x, const float* gain,
                     double eps, float* out) {
  for (std::size_t row = 0; row < rows; ++row, x += dim, out += dim) {
    double sum = 0;
    for (std::size_t i = 0; i < dim; ++i) sum += double{x[i]} * double{x[i]};
    const auto scale = static_cast<float>(1.0 / std::sqrt(sum / static_cast<double>(dim) + eps));
    for (std::size_t i = 0; i < dim; ++i) out[i] = x[i] * scale * gain[i];
  }
}

}  // namespace moe_engine
