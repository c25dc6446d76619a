// Log lines in NCCL's shape: "host:pid:tid [rank] TUTTI INFO text". TUTTI_DEBUG, TUTTI_DEBUG_SUBSYS
// and TUTTI_DEBUG_FILE choose them (docs/environment.md). A line that is off costs one relaxed load
// and a branch, and its arguments are not evaluated.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/context.hpp"

namespace tutti {

enum class LogLevel : std::uint8_t { kWarn, kInfo, kTrace };

// What a line is about. Warnings appear whatever TUTTI_DEBUG_SUBSYS says, as NCCL's do.
enum class Subsystem : std::uint8_t {
  kInit,       // communicators: made, split, shrunk, destroyed
  kBootstrap,  // how ranks meet
  kColl,
  kMoe,
  kP2p,
  kNet,
  kShm,
  kMem,     // heap, registration, windows
  kTopo,    // hwloc, host identity, placement
  kTuning,  // which algorithm was chosen, and why
  kEnv,     // environment variables that were read
  kStream,
  kGroup,
  kCall,  // every API call
  kCount
};

namespace log_detail {

// A bit per (level, subsystem). All bits are set until the environment has been read, so that the
// first line of a process always takes the slow path.
extern std::atomic<std::uint64_t> wanted;

constexpr std::uint64_t bit(LogLevel level, Subsystem subsystem) {
  return std::uint64_t{1} << (static_cast<unsigned>(level) * 20 + static_cast<unsigned>(subsystem));
}
static_assert(static_cast<unsigned>(Subsystem::kCount) <= 20);

void write(LogLevel level, Subsystem subsystem, fmt::string_view text,
           fmt::format_args arguments) noexcept;

template <typename... Args>
[[gnu::cold, gnu::noinline]] void write_line(LogLevel level, Subsystem subsystem,
                                             fmt::format_string<Args...> text,
                                             Args&&... args) noexcept {
  write(level, subsystem, text, fmt::make_format_args(args...));
}

}  // namespace log_detail

inline bool log_wanted(LogLevel level, Subsystem subsystem) noexcept {
  return (log_detail::wanted.load(std::memory_order_relaxed) & log_detail::bit(level, subsystem)) !=
         0;
}

// The rank that lines of this thread speak for, until the end of the scope.
class LogRank {
 public:
  explicit LogRank(int rank) noexcept : before_(current_context().log_rank) {
    current_context().log_rank = rank;
  }
  ~LogRank() { current_context().log_rank = before_; }
  LogRank(const LogRank&) = delete;
  LogRank& operator=(const LogRank&) = delete;

 private:
  int before_;
};

// For tests: reads the environment again.
void reread_log_environment();

}  // namespace tutti

// TUTTI_INFO(kShm, "window of {} bytes", bytes). A newline is added.
#define TUTTI_LOG_LINE(level, subsystem, ...)                                             \
  do {                                                                                    \
    if (::tutti::log_wanted(level, ::tutti::Subsystem::subsystem)) [[unlikely]]           \
      ::tutti::log_detail::write_line(level, ::tutti::Subsystem::subsystem, __VA_ARGS__); \
  } while (false)
#define TUTTI_WARN(subsystem, ...) TUTTI_LOG_LINE(::tutti::LogLevel::kWarn, subsystem, __VA_ARGS__)
#define TUTTI_INFO(subsystem, ...) TUTTI_LOG_LINE(::tutti::LogLevel::kInfo, subsystem, __VA_ARGS__)
#define TUTTI_TRACE(subsystem, ...) \
  TUTTI_LOG_LINE(::tutti::LogLevel::kTrace, subsystem, __VA_ARGS__)
