#include "report.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <numeric>
#include <system_error>

namespace moe_layer {
namespace {

struct Spread {
  double min, median, max;
};

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {values.front(), median, values.back()};
}

using Number = std::function<double(const StepReport&)>;

Spread spread_of(const std::vector<StepReport>& steps, const Number& number) {
  std::vector<double> values(steps.size());
  std::transform(steps.begin(), steps.end(), values.begin(), number);
  return spread_of(std::move(values));
}

const char* name_of(tuttiMoeLayout_t layout) {
  return layout == tuttiMoeLayoutExpert ? "EXPERT" : "TOKEN";
}

void print_head(const Config& c, const Results& results) {
  std::printf(
      "An MoE layer on %d rank%s and %ld cores: %d tokens a rank, hidden %d bf16, %d experts,\n",
      c.ranks, c.ranks == 1 ? "" : "s", sysconf(_SC_NPROCESSORS_ONLN), c.tokens, c.hidden,
      c.experts);
  std::printf("top-%d, expert width %d, layout %s, %d steps. Tokens are the %zu words of %s.\n\n",
              c.topk, c.width, name_of(c.layout), c.steps, results.words,
              c.text.substr(c.text.find_last_of('/') + 1).c_str());
}

void print_times(const Results& results) {
  std::vector<StepReport> all;
  for (const auto& steps : results.steps) all.insert(all.end(), steps.begin(), steps.end());
  const std::pair<const char*, Number> rows[] = {
      {"dispatch", [](const StepReport& s) { return s.dispatch; }},
      {"experts", [](const StepReport& s) { return s.experts; }},
      {"wait for the busiest rank", [](const StepReport& s) { return s.wait; }},
      {"combine", [](const StepReport& s) { return s.combine; }},
      {"whole step",
       [](const StepReport& s) { return s.dispatch + s.experts + s.wait + s.combine; }}};
  std::printf("%-28s %10s %10s %10s\n", "ms, every rank and step", "min", "median", "max");
  for (const auto& [name, number] : rows) {
    const Spread spread = spread_of(all, number);
    std::printf("%-28s %10.3f %10.3f %10.3f\n", name, spread.min, spread.median, spread.max);
  }
}

void print_ranks(const Results& results) {
  std::printf("\n%4s %8s %21s %9s   %s\n", "", "", "rows received a step", "MiB from", "median ms");
  std::printf("%4s %8s %6s %7s %6s %9s %10s %9s %9s %9s\n", "rank", "experts", "min", "median",
              "max", "others", "dispatch", "experts", "wait", "combine");
  for (std::size_t rank = 0; rank < results.steps.size(); ++rank) {
    const auto& steps = results.steps[rank];
    const auto median = [&](const Number& number) { return spread_of(steps, number).median; };
    const Spread rows = spread_of(steps, [](const StepReport& s) { return s.rows; });
    std::printf("%4zu %8td %6.0f %7.0f %6.0f %9.2f %10.3f %9.3f %9.3f %9.3f\n", rank,
                std::count(results.owners.begin(), results.owners.end(), static_cast<int>(rank)),
                rows.min, rows.median, rows.max,
                median([](const StepReport& s) { return s.bytes; }) / (1 << 20),
                median([](const StepReport& s) { return s.dispatch; }),
                median([](const StepReport& s) { return s.experts; }),
                median([](const StepReport& s) { return s.wait; }),
                median([](const StepReport& s) { return s.combine; }));
  }
}

void print_loads(const Results& results) {
  const auto total = std::accumulate(results.loads.begin(), results.loads.end(), std::int64_t{0});
  if (total == 0) return;
  const auto busiest = std::max_element(results.loads.begin(), results.loads.end());
  const auto idle = std::count(results.loads.begin(), results.loads.end(), 0);
  const double share = static_cast<double>(*busiest) / static_cast<double>(total);
  std::printf("\nBusiest expert: %td on rank %d takes %.1f %% of all visits, %.1f times the mean; ",
              busiest - results.loads.begin(),
              results.owners[static_cast<std::size_t>(busiest - results.loads.begin())],
              100 * share, share * static_cast<double>(results.loads.size()));
  std::printf("%td experts were never visited.\n", idle);
}

bool print_verdict(const Config& config, const Results& results) {
  Difference sum;
  for (const Difference& d : results.differences) {
    sum.elements += d.elements;
    sum.differ += d.differ;
    sum.largest = d.largest <= sum.largest ? sum.largest : d.largest;
  }
  std::printf("Verified against a single-rank reference: %lld elements of %d steps, %lld differ",
              static_cast<long long>(sum.elements), config.steps + 1,
              static_cast<long long>(sum.differ));
  if (sum.differ > 0) std::printf(" (largest difference %g)", sum.largest);
  std::printf(".\n");
  return sum.differ == 0;
}

}  // namespace

bool print(const Config& config, const Results& results) {
  print_head(config, results);
  print_times(results);
  print_ranks(results);
  print_loads(results);
  const bool good = print_verdict(config, results);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot write to standard output");
  }
  return good;
}

}  // namespace moe_layer
