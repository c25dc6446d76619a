#include "perf/peers/sampling.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "perf/common/stopwatch.hpp"

namespace tutti::perf {
namespace {

// All ranks must run the same number of iterations: the shortest time of any rank decides.
std::size_t agree_on_batch(Peer& peer, int warmup, const std::function<void()>& iteration) {
  for (int i = 0; i < warmup; ++i) iteration();
  double shortest_us = 0;
  for (int trial = 1;; trial *= 4) {
    peer.barrier();
    const double start = now_us();
    for (int i = 0; i < trial; ++i) iteration();
    const std::array<double, 1> mine = {(now_us() - start) / trial};
    const auto all = peer.gather(mine);
    shortest_us = *std::min_element(all.begin(), all.end());
    if (shortest_us * trial >= kMinimumSampleUs) break;
  }
  return batch_for(shortest_us);
}

}  // namespace

void time_iterations(Peer& peer, const PeerOptions& options, const std::function<void()>& iteration,
                     Row& row) {
  const std::size_t batch = agree_on_batch(peer, options.warmup, iteration);
  std::vector<double> samples(static_cast<std::size_t>(options.samples));
  peer.barrier();
  double start = now_us();
  for (double& sample : samples) {
    if (options.barrier_between) {
      peer.barrier();
      start = now_us();
    }
    for (std::size_t i = 0; i < batch; ++i) iteration();
    const double stop = now_us();
    sample = (stop - start) / static_cast<double>(batch);
    start = stop;
  }
  row.iters = samples.size();
  row.batch = batch;
  row.mode = options.barrier_between ? "latency" : "throughput";
  row.time_us = summarize(peer.gather(samples), peer.ranks());
}

std::size_t total(Peer& peer, std::size_t value) {
  const std::array<double, 1> mine = {static_cast<double>(value)};
  const auto all = peer.gather(mine);
  return static_cast<std::size_t>(std::accumulate(all.begin(), all.end(), 0.0));
}

}  // namespace tutti::perf
