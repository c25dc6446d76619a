// Throwing with a formatted sentence: fail(tuttiInvalidArgument, "count {} is too large", count).
#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <tutti/error.hpp>
#include <vector>

namespace tutti {

template <typename... Args>
[[noreturn]] void fail(tuttiResult_t code, fmt::format_string<Args...> text, Args&&... args) {
  throw Error(code, fmt::format(text, std::forward<Args>(args)...));
}

template <typename... Args>
[[noreturn]] void fail_because_of(std::vector<int> culprits, tuttiResult_t code,
                                  fmt::format_string<Args...> text, Args&&... args) {
  throw Error(code, fmt::format(text, std::forward<Args>(args)...), std::move(culprits));
}

// tuttiSystemError with errno's text appended: fail_system("mmap of {} bytes", n).
template <typename... Args>
[[noreturn]] void fail_system(fmt::format_string<Args...> text, Args&&... args) {
  const int cause = errno;
  throw Error(tuttiSystemError,
              fmt::format(text, std::forward<Args>(args)...) + ": " + std::strerror(cause));
}

}  // namespace tutti
