#include "perf/tutti_perf/verify.hpp"

#include <algorithm>
#include <cmath>

#include "perf/tutti_perf/element.hpp"

namespace tutti::perf {
namespace {

std::int64_t reduce_step(std::int64_t a, std::int64_t b, tuttiRedOp_t op) {
  switch (op) {
    case tuttiProd:  // wraps
      return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) *
                                       static_cast<std::uint64_t>(b));
    case tuttiMax:
      return std::max(a, b);
    case tuttiMin:
      return std::min(a, b);
    default:
      return a + b;
  }
}

double reduce_step(double a, double b, tuttiRedOp_t op) {
  switch (op) {
    case tuttiProd:
      return a * b;
    case tuttiMax:
      return std::max(a, b);
    case tuttiMin:
      return std::min(a, b);
    default:
      return a + b;
  }
}

// In rank order; every intermediate result is exact, so that the order is not what is tested.
template <class T>
T reduced_anew(const Case& c, std::uint64_t seed, std::size_t index) {
  const auto input = [&](int rank) {
    return static_cast<T>(number_of(code_of(seed, rank, index), c.type, c.redop, c.ranks));
  };
  T result = input(0);
  for (int rank = 1; rank < c.ranks; ++rank) result = reduce_step(result, input(rank), c.redop);
  return result;
}

template <class T>
T reduced(const Case& c, std::uint64_t seed, std::size_t index, ReducedValues* shared) {
  if (shared == nullptr) return reduced_anew<T>(c, seed, index);
  return shared->get<T>(c, seed, index, [&] { return reduced_anew<T>(c, seed, index); });
}

bool is_reduced_right(const Case& c, std::uint64_t seed, const std::byte* recv, std::size_t i,
                      std::size_t origin, ReducedValues* shared) {
  if (is_integer(c.type)) {
    std::int64_t expected = reduced<std::int64_t>(c, seed, origin, shared);
    if (c.redop == tuttiAvg) expected /= c.ranks;
    return load_integer(recv, i, c.type) == wrap(expected, c.type);
  }
  const double got = load_float(recv, i, c.type);
  const double expected = reduced<double>(c, seed, origin, shared);
  if (c.redop != tuttiAvg) return got == round_to(expected, c.type);
  const double average = expected / c.ranks;
  return std::fabs(got - average) <= spacing_at(average, c.type);
}

}  // namespace

void fill_input(const Case& c, std::uint64_t seed, std::byte* send) {
  for (std::size_t i = 0; i < c.shape.send_elements; ++i) {
    const std::uint64_t code = code_of(seed, c.rank, i);
    if (uses_redop(c.op)) {
      store_number(send, i, c.type, number_of(code, c.type, c.redop, c.ranks));
    } else {
      store_code(send, i, c.type, code);
    }
  }
}

std::size_t count_wrong(const Case& c, std::uint64_t seed, const std::byte* recv,
                        ReducedValues* shared) {
  std::size_t wrong = 0;
  const std::size_t elements = received_elements(c);
  for (std::size_t i = 0; i < elements; ++i) {
    const Origin origin = origin_of(c, i);
    const bool right = origin.rank < 0
                           ? is_reduced_right(c, seed, recv, i, origin.index, shared)
                           : holds_code(recv, i, c.type, code_of(seed, origin.rank, origin.index));
    if (!right) ++wrong;
  }
  return wrong;
}

}  // namespace tutti::perf
