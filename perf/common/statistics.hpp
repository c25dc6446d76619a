// Times of one row: a sample's time is the maximum over ranks, the statistics are over samples.
#pragma once

#include <cstddef>
#include <span>

namespace tutti::perf {

// A sample is a batch of iterations that lasts at least this long, divided by its length.
inline constexpr double kMinimumSampleUs = 20.0;

struct Statistics {
  double min = 0;
  double p50 = 0;
  double avg = 0;
  double p99 = 0;
  double max = 0;
  double rank_mean = 0;  // mean over samples and ranks, without the maximum
};

// `samples_us` is [ranks][samples], row by row; at least one of each.
Statistics summarize(std::span<const double> samples_us, int ranks);

// The least batch whose duration reaches kMinimumSampleUs when one iteration takes `iteration_us`.
std::size_t batch_for(double iteration_us);

}  // namespace tutti::perf
