// Ranks in a sentence.
#pragma once

#include <fmt/ranges.h>

#include <string>
#include <tutti/transport.hpp>
#include <vector>

namespace tutti {

// "rank 3", "ranks 3, 5".
inline std::string named(const std::vector<Rank>& ranks) {
  return fmt::format("{} {}", ranks.size() == 1 ? "rank" : "ranks", fmt::join(ranks, ", "));
}

}  // namespace tutti
