// Fills buffers with data that encode (rank, index) and counts what came back wrong, against a
// serial computation of our own.
#pragma once

#include <cstdint>

#include "perf/tutti_perf/operation.hpp"

namespace tutti::perf {

// This rank's input.
void fill_input(const Case& c, std::uint64_t seed, std::byte* send);

// Elements of this rank's result that are not what they must be: bit-exact for moved data, exact
// for integers and for floating sums, products, minima and maxima (of small whole numbers), within
// one spacing for floating averages.
std::size_t count_wrong(const Case& c, std::uint64_t seed, const std::byte* recv);

}  // namespace tutti::perf
