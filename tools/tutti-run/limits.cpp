#include "limits.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace tutti::launcher {

rlimit raise_descriptor_limit(int descriptors, const std::string& for_what) {
  constexpr rlim_t kOthers = 32;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlim_t needed = static_cast<rlim_t>(descriptors) + kOthers;
  if (before.rlim_cur >= needed) return before;
  const rlimit raised{std::min(needed, before.rlim_max), before.rlim_max};
  if (raised.rlim_cur < needed || ::setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    fail(tuttiSystemError, "{} need {} descriptors, the limit is {} (ulimit -n)", for_what, needed,
         before.rlim_max);
  }
  return before;
}

}  // namespace tutti::launcher
