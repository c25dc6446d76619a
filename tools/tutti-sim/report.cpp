#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/error.hpp"
#include "measurement.hpp"

namespace tutti::sim {

namespace {

bool has(const std::vector<std::string>& words, const std::string& brief, const std::string& full) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return word.starts_with(brief) || word == full || word.starts_with(full + "=");
  });
}

}  // namespace

void report(const PageRequest& request) {
  std::vector<std::string> words = request.measurement;
  if (!has(words, "-n", "--iters")) words.insert(words.end(), {"-n", "1"});
  if (!has(words, "-w", "--warmup_iters")) words.insert(words.end(), {"-w", "1"});
  words.insert(words.end(), {"--report", request.file});
  const std::vector<MeasuredRow> rows = measure(words);
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(request.file, error);
  fmt::print("{}: {}\n", request.file,
             error ? error.message() : fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6));
  for (const MeasuredRow& row : rows) {
    fmt::print("  {:<32} {:>11.3f} us on the average, {:.3f} us on the slowest rank\n", row.what,
               row.mean_us, row.max_us);
  }
  if (std::fflush(stdout) != 0) {
    fail(tuttiSystemError, "cannot write to standard output: {}", std::strerror(errno));
  }
}

}  // namespace tutti::sim
