// How long a kernel of the user's computes, by its shape.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "transports/ub/engine/time.hpp"

namespace tutti::ub {

// Between points that differ in the first dimension alone - rows, tokens - time is linear in it,
// rounded up; above the last it grows in proportion; below the first it is the first's, because a
// kernel has a smallest time. Other dimensions are those of a point, or there is no answer.
struct KernelTable {
  static constexpr std::int64_t kLargest = 1'000'000'000;  // of a dimension

  struct Point {
    std::vector<std::int64_t> shape;  // one a dimension, from 1 to kLargest
    Picoseconds time{};
  };

  std::string kernel;
  std::vector<std::string> dimensions;  // their names, at least one
  // By all dimensions but the first, then by the first; each shape once.
  std::vector<Point> points;

  // tuttiInvalidArgument, naming kernel and shape, where the table has no answer.
  Picoseconds time(std::span<const std::int64_t> shape) const;
};

}  // namespace tutti::ub
