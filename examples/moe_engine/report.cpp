#include "report.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <system_error>

namespace moe_engine {
namespace {

constexpr std::size_t kShownTexts = 8;
constexpr double kBitsTolerance = 0.001;  // of the expected bits per byte

bool as_expected(const Request& request, const Answer& answer) {
  return std::string_view(answer.text).substr(0, request.expected.size()) == request.expected;
}

void print_text(std::size_t index, std::size_t ranks, const Request& request,
                const Answer& answer) {
  const bool cut = answer.outcome.written < request.new_tokens;
  std::printf("--- request %zu, on rank %zu: %zu bytes%s\n", index, index % ranks,
              answer.text.size(), cut ? ", where the context is full" : "");
  std::fwrite(request.prompt.data(), 1, request.prompt.size(), stdout);
  std::printf("|");
  std::fwrite(answer.text.data(), 1, answer.text.size(), stdout);
  std::printf("\n");
}

void print_texts(const Workload& work, const Results& results) {
  std::size_t texts = 0;
  for (std::size_t i = 0; i < work.requests.size(); ++i) {
    if (work.requests[i].new_tokens == 0 || ++texts > kShownTexts) continue;
    print_text(i, results.times.size(), work.requests[i], results.answers[i]);
  }
  if (texts > kShownTexts) std::printf("--- and %zu more\n", texts - kShownTexts);
}

double mean(const Results& results, double (*number)(const EngineTimes&)) {
  double sum = 0;
  for (const EngineTimes& times : results.times) sum += number(times);
  return sum / static_cast<double>(results.times.size());
}

void print_speed(const Options& options, const Results& results) {
  std::uint64_t written = 0;
  for (const Answer& answer : results.answers) written += answer.outcome.written;
  const double ranks = static_cast<double>(results.times.size());
  const double read = ranks * mean(results, [](const EngineTimes& t) { return t.read; });
  const double steps = results.times[0].steps, ms = results.times[0].total;
  std::printf("\n%.0f rank%s", ranks, ranks == 1 ? "" : "s");
  if (results.virtual_time) {
    std::printf(", predicted%s%s (devices of %g TFLOP/s and %g GB/s)",
                options.fabric.empty() ? "" : " on ", options.fabric.c_str(),
                options.engine.device.tera_operations, options.engine.device.memory_gbs);
  } else {
    std::printf(" on %ld cores", sysconf(_SC_NPROCESSORS_ONLN));
  }
  std::printf(": %.0f tokens read and %llu written in %.0f steps and %.3f ms", read,
              static_cast<unsigned long long>(written), steps, ms);
  if (written > 0) std::printf(": %.0f tokens/s", static_cast<double>(written) / ms * 1e3);
  std::printf("\n");
}

void print_shares(const Results& results) {
  struct Row {
    const char* name;
    double (*waited)(const EngineTimes&);
    double (*under_way)(const EngineTimes&);
  };
  const Row rows[] = {
      {"attention, router, shared expert", [](const EngineTimes& t) { return t.dense; }, nullptr},
      {"experts", [](const EngineTimes& t) { return t.experts; }, nullptr},
      {"dispatch", [](const EngineTimes& t) { return t.exchange.dispatch_wait; },
       [](const EngineTimes& t) { return t.exchange.dispatch; }},
      {"combine", [](const EngineTimes& t) { return t.exchange.combine_wait; },
       [](const EngineTimes& t) { return t.exchange.combine; }},
      {"agreeing on a further step", [](const EngineTimes& t) { return t.agreement; }, nullptr}};
  const double total = mean(results, [](const EngineTimes& t) { return t.total; });
  const double steps = std::max(results.times[0].steps, 1.0);
  std::printf("%-34s %10s %8s %18s\n", "mean of all ranks", "ms a step", "share", "under way, ms");
  for (const Row& row : rows) {
    const double waited = mean(results, row.waited);
    std::printf("%-34s %10.4f %6.1f %%", row.name, waited / steps, 100 * waited / total);
    if (row.under_way != nullptr) std::printf(" %18.4f", mean(results, row.under_way) / steps);
    std::printf("\n");
  }
}

bool print_comparison(const Workload& work, const Results& results) {
  std::size_t compared = 0, equal = 0;
  for (std::size_t i = 0; i < work.requests.size(); ++i) {
    if (work.requests[i].expected.empty()) continue;
    ++compared;
    if (as_expected(work.requests[i], results.answers[i])) {
      ++equal;
    } else {
      std::printf("Request %zu should have been: %s\n", i, work.requests[i].expected.c_str());
    }
  }
  if (compared > 0) std::printf("%zu of %zu texts are as expected\n", equal, compared);
  return equal == compared;
}

bool print_bits(const Workload& work, const Results& results) {
  double bits = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < work.requests.size(); ++i) {
    bits += results.answers[i].outcome.bits;
    bytes += work.requests[i].next.size();
  }
  if (bytes == 0) return true;
  const double rate = bits / static_cast<double>(bytes);
  std::printf("%.6f bits per byte of %zu", rate, bytes);
  const double expected = work.expected_bits.value_or(rate);
  if (work.expected_bits) {
    std::printf(": %+.5f %% of the expected %.6f", 100 * (rate / expected - 1), expected);
  }
  std::printf("\n");
  return std::abs(rate - expected) <= kBitsTolerance * expected;
}

void print_digest(const Results& results) {
  std::uint64_t digest = 0;
  for (const Answer& answer : results.answers) {
    digest = (digest ^ answer.outcome.digest) * 0x9e3779b97f4a7c15u;
    digest ^= digest >> 32;
  }
  std::printf("logits %016llx\n", static_cast<unsigned long long>(digest));
}

}  // namespace

bool print(const Options& options, const Workload& work, const Results& results) {
  print_texts(work, results);
  print_speed(options, results);
  print_shares(results);
  const bool texts = print_comparison(work, results);
  const bool bits = print_bits(work, results);
  print_digest(results);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot write to standard output");
  }
  return texts && bits;
}

}  // namespace moe_engine
