#include "what_if.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.hpp"
#include "measurement.hpp"

namespace tutti::sim {

namespace {

struct Variant {
  std::string name;
  std::vector<std::string> settings{};
  std::vector<MeasuredRow> rows{};
};

std::vector<Variant> variants_of(const std::vector<std::string>& settings) {
  std::vector<Variant> variants{{.name = "unchanged"}};
  for (const std::string& setting : settings) {
    variants.push_back({.name = setting, .settings = {setting}});
  }
  if (settings.size() > 1) variants.push_back({.name = "all of them", .settings = settings});
  return variants;
}

void measure_variant(const WhatIf& question, Variant& variant) {
  std::vector<std::string> words = question.measurement;
  for (const std::string& setting : variant.settings) {
    words.insert(words.end(), {"--set", setting});
  }
  try {
    variant.rows = measure(words);
  } catch (const Error& error) {
    fail(error.code(), "{}: {}", variant.name, error.what());
  }
}

void print_table(const std::vector<Variant>& variants) {
  std::size_t width = 0;
  for (const Variant& variant : variants) width = std::max(width, variant.name.size());
  for (std::size_t row = 0; row < variants[0].rows.size(); ++row) {
    const MeasuredRow& plain = variants[0].rows[row];
    fmt::print("# {}\n# {:<{}} {:>11} {:>11} {:>11} {:>9}\n", plain.what, "virtual us", width,
               "mean", "max", "delta", "delta");
    for (const Variant& variant : variants) {
      const MeasuredRow& here = variant.rows[row];
      const double delta = here.max_us - plain.max_us;
      const double percent = plain.max_us > 0 ? 100 * delta / plain.max_us : 0;
      fmt::print("  {:<{}} {:>11.3f} {:>11.3f} {:>+11.3f} {:>+8.2f}%\n", variant.name, width,
                 here.mean_us, here.max_us, delta, percent);
    }
  }
}

}  // namespace

void what_if(const WhatIf& question) {
  std::vector<Variant> variants = variants_of(question.settings);
  for (Variant& variant : variants) {
    measure_variant(question, variant);
    if (variant.rows.size() != variants[0].rows.size()) {
      fail(tuttiInternalError, "{}: {} rows, where the unchanged fabric has {}", variant.name,
           variant.rows.size(), variants[0].rows.size());
    }
  }
  print_table(variants);
  if (std::fflush(stdout) != 0) {
    fail(tuttiSystemError, "cannot write the table to standard output: {}", std::strerror(errno));
  }
}

}  // namespace tutti::sim
