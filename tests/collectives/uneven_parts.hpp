// Parts of a buffer as the v-operations describe them: uneven, some empty, with holes between.
#pragma once

#include <cstddef>
#include <vector>

namespace tutti::test {

struct UnevenParts {
  std::vector<std::size_t> counts;
  std::vector<std::size_t> displs;
  std::size_t end = 0;  // elements of a buffer that holds all parts

  // count_of(r) elements for rank r, after a hole of `hole` elements.
  template <typename CountOf>
  UnevenParts(std::size_t ranks, std::size_t hole, const CountOf& count_of) {
    for (std::size_t r = 0; r < ranks; ++r) {
      counts.push_back(count_of(r));
      displs.push_back(end + hole);
      end = displs[r] + counts[r];
    }
  }

  // About `count` for each rank, nothing for every third.
  static std::size_t some(std::size_t rank, std::size_t count) {
    return rank % 3 == 1 ? 0 : count + rank;
  }
};

}  // namespace tutti::test
