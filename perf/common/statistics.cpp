#include "perf/common/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace tutti::perf {

Statistics summarize(std::span<const double> samples_us, int ranks) {
  const std::size_t n = samples_us.size() / static_cast<std::size_t>(ranks);
  std::vector<double> worst(samples_us.begin(),
                            samples_us.begin() + static_cast<std::ptrdiff_t>(n));
  for (std::size_t i = n; i < samples_us.size(); ++i) {
    worst[i % n] = std::max(worst[i % n], samples_us[i]);
  }
  std::sort(worst.begin(), worst.end());
  const auto mean = [](std::span<const double> v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
  };
  const auto quantile = [&](double q) {
    const double place = std::ceil(q * static_cast<double>(n));
    return worst[std::min(n - 1, static_cast<std::size_t>(std::max(place, 1.0)) - 1)];
  };
  return {.min = worst.front(),
          .p50 = quantile(0.5),
          .avg = mean(worst),
          .p99 = quantile(0.99),
          .max = worst.back(),
          .rank_mean = mean(samples_us)};
}

std::size_t batch_for(double iteration_us) {
  if (iteration_us >= kMinimumSampleUs) return 1;
  const double floor_us = 0.001;  // a clock that stood still must not ask for an endless batch
  return static_cast<std::size_t>(std::ceil(kMinimumSampleUs / std::max(iteration_us, floor_us)));
}

}  // namespace tutti::perf
