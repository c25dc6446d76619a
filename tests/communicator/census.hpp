// Who takes part in a communicator.
#pragma once

#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <cstdint>

namespace tutti::test {

// An all-reduce of 2^rank: its sum tells the ranks that took part.
inline std::uint64_t census(tuttiComm_t comm, int rank) {
  std::uint64_t mine = std::uint64_t{1} << rank;
  std::uint64_t sum = 0;
  EXPECT_EQ(tuttiAllReduce(&mine, &sum, 1, tuttiUint64, tuttiSum, comm, nullptr), tuttiSuccess)
      << tuttiGetLastError(comm);
  return sum;
}

}  // namespace tutti::test
