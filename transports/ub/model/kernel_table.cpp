#include "transports/ub/model/kernel_table.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"
#include "transports/ub/model/rate.hpp"

namespace tutti::ub {

namespace {

__extension__ using Wide = __int128;

// time * parts / whole, rounded up.
Picoseconds share(Picoseconds time, std::int64_t parts, std::int64_t whole) {
  const Wide product = (Wide{time.count()} * parts + (whole - 1)) / whole;
  return Picoseconds(static_cast<std::int64_t>(std::min(product, Wide{kLongestTime})));
}

// Between a and b, which may be faster: the difference is taken downwards, the result upwards.
Picoseconds between(const KernelTable::Point& a, const KernelTable::Point& b, std::int64_t first) {
  const std::int64_t whole = b.shape[0] - a.shape[0];
  const std::int64_t parts = first - a.shape[0];
  if (b.time >= a.time) return a.time + share(b.time - a.time, parts, whole);
  return b.time + share(a.time - b.time, whole - parts, whole);
}

}  // namespace

Picoseconds KernelTable::time(std::span<const std::int64_t> shape) const {
  if (shape.size() != dimensions.size() ||
      std::ranges::any_of(shape, [](std::int64_t d) { return d < 0 || d > kLargest; })) {
    fail(tuttiInvalidArgument,
         "kernel '{}' has the dimensions [{}], from 0 to {} each; not the shape [{}]", kernel,
         fmt::join(dimensions, ", "), kLargest, fmt::join(shape, ", "));
  }
  const auto fits = [&](const Point& point) {
    return std::ranges::equal(std::span(point.shape).subspan(1), shape.subspan(1));
  };
  const auto first = std::ranges::find_if(points, fits);
  const auto end = std::find_if_not(first, points.end(), fits);
  if (first == end) {
    fail(tuttiInvalidArgument,
         "kernel '{}' has no point for the shape [{}]: beside '{}' a shape is that of a point",
         kernel, fmt::join(shape, ", "), dimensions.front());
  }
  const std::int64_t size = shape[0];
  const auto above =
      std::find_if(first, end, [&](const Point& point) { return point.shape[0] >= size; });
  if (above == first) return first->time;
  const Point& below = *(above - 1);
  return above == end ? share(below.time, size, below.shape[0]) : between(below, *above, size);
}

}  // namespace tutti::ub
