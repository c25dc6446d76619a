#include "perf/tutti_perf/culprits.hpp"

#include <algorithm>
#include <cctype>

namespace tutti::perf {
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// Reads "3", "1, 2 and 5", ... at the beginning of `text`.
void read_ranks(std::string_view text, std::vector<int>& ranks) {
  while (!text.empty() && is_digit(text.front())) {
    long value = 0;
    while (!text.empty() && is_digit(text.front())) {
      value = std::min(10 * value + (text.front() - '0'), 1000000L);
      text.remove_prefix(1);
    }
    ranks.push_back(static_cast<int>(value));
    for (const std::string_view between : {", ", " and ", ","}) {
      if (!text.starts_with(between)) continue;
      text.remove_prefix(between.size());
      break;
    }
  }
}

}  // namespace

std::vector<int> named_ranks(std::string_view message) {
  std::vector<int> ranks;
  message = message.substr(0, message.find('|'));
  for (std::size_t at = 0; (at = message.find("rank", at)) != std::string_view::npos;) {
    at += 4;
    std::string_view rest = message.substr(at);
    if (rest.starts_with("s")) rest.remove_prefix(1);
    if (rest.starts_with(" ")) read_ranks(rest.substr(1), ranks);
  }
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  return ranks;
}

}  // namespace tutti::perf
