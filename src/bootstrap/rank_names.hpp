// Ranks in sentences: "rank 3", "ranks 3, 5 and 9", "ranks 0, 1, ... and 376 more".
#pragma once

#include <span>
#include <string>
#include <tutti/transport.hpp>

namespace tutti {

inline std::string name_ranks(std::span<const Rank> ranks) {
  constexpr std::size_t kShown = 8;
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  const std::size_t shown = ranks.size() <= kShown + 1 ? ranks.size() : kShown;
  for (std::size_t i = 0; i < shown; ++i) {
    const bool last = i + 1 == ranks.size();
    if (i > 0) text += last ? " and " : ", ";
    text += std::to_string(ranks[i]);
  }
  if (shown < ranks.size()) text += " and " + std::to_string(ranks.size() - shown) + " more";
  return text;
}

}  // namespace tutti
