// How much the large products of tests do. Sanitizers slow every access and every switch down; they
// look for what no single size or number of ranks brings out.
#pragma once

#include <vector>

namespace tutti::test {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// Every fibre costs TSan a thread's memory.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kThreadSanitized = true;
#else
inline constexpr bool kThreadSanitized = false;
#endif

inline std::vector<int> rank_counts() {
  return kSanitized ? std::vector{1, 2, 3, 5} : std::vector{1, 2, 3, 4, 7, 8};
}

}  // namespace tutti::test
