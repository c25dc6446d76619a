// What TUTTI_DEBUG, TUTTI_DEBUG_SUBSYS and TUTTI_DEBUG_FILE mean, apart from writing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tutti {

struct LogSettings {
  std::uint64_t wanted = 0;           // a bit per (level, subsystem), as log_detail::bit
  std::string file;                   // empty: standard error
  std::vector<std::string> warnings;  // a sentence per value that was not understood
};

// Null or empty: unset.
LogSettings parse_log_settings(const char* level, const char* subsystems, const char* file);

// Replaces %h by the host's name, %p by this process's id and %% by %.
std::string expand_log_file(std::string_view pattern);

std::string host_name();

}  // namespace tutti
