#include "base/log_environment.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "base/environment.hpp"
#include "base/log.hpp"

namespace tutti {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Subsystem::kCount)> kSubsystems = {
    "INIT", "BOOTSTRAP", "COLL",   "MOE", "P2P",    "NET",   "SHM",
    "MEM",  "TOPO",      "TUNING", "ENV", "STREAM", "GROUP", "CALL"};
constexpr std::array<std::string_view, 4> kLevels = {"NONE", "WARN", "INFO", "TRACE"};
constexpr std::uint32_t kAll = (1u << kSubsystems.size()) - 1;

template <std::size_t N>
std::optional<unsigned> index_of(const std::array<std::string_view, N>& words,
                                 std::string_view word) {
  for (unsigned i = 0; i < N; ++i)
    if (environment_detail::same_word(words[i], word)) return i;
  return std::nullopt;
}

// NCCL's rule: "A,B" is these, "^A,B" is all but these, "ALL" is all.
std::uint32_t parse_subsystems(std::string_view text, std::vector<std::string>& warnings) {
  const bool inverted = text.starts_with('^');
  std::string_view rest = text.substr(inverted ? 1 : 0);
  std::uint32_t named = 0;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view word = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    if (word.empty()) continue;
    if (environment_detail::same_word(word, "ALL"))
      named = kAll;
    else if (const auto index = index_of(kSubsystems, word))
      named |= 1u << *index;
    else
      warnings.push_back(
          fmt::format("TUTTI_DEBUG_SUBSYS=\"{}\": unknown subsystem \"{}\" ignored; known: {}, ALL",
                      text, word, fmt::join(kSubsystems, ", ")));
  }
  return inverted ? kAll & ~named : named;
}

}  // namespace

LogSettings parse_log_settings(const char* level, const char* subsystems, const char* file) {
  LogSettings settings;
  unsigned depth = 1;  // WARN
  if (level != nullptr && *level != '\0') {
    if (const auto index = index_of(kLevels, level))
      depth = *index;
    else
      settings.warnings.push_back(
          fmt::format("TUTTI_DEBUG=\"{}\": unknown level, WARN is used; known: {}", level,
                      fmt::join(kLevels, ", ")));
  }
  std::uint32_t chosen = kAll;
  if (subsystems != nullptr && *subsystems != '\0')
    chosen = parse_subsystems(subsystems, settings.warnings);
  for (unsigned i = 0; i < kSubsystems.size(); ++i) {
    const auto subsystem = static_cast<Subsystem>(i);
    if (depth >= 1) settings.wanted |= log_detail::bit(LogLevel::kWarn, subsystem);
    if ((chosen & (1u << i)) == 0) continue;
    if (depth >= 2) settings.wanted |= log_detail::bit(LogLevel::kInfo, subsystem);
    if (depth >= 3) settings.wanted |= log_detail::bit(LogLevel::kTrace, subsystem);
  }
  if (file != nullptr) settings.file = expand_log_file(file);
  return settings;
}

std::string expand_log_file(std::string_view pattern) {
  std::string path;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (pattern[i] != '%' || (next != 'h' && next != 'p' && next != '%')) {
      path += pattern[i];
      continue;
    }
    ++i;
    if (next == 'h') path += host_name();
    if (next == 'p') path += std::to_string(getpid());
    if (next == '%') path += '%';
  }
  return path;
}

std::string host_name() {
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0') return "localhost";
  const std::string whole = name;
  return whole.substr(0, whole.find('.'));
}

}  // namespace tutti
