#include "oracle.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace tutti::moe::oracle {
namespace {

std::vector<std::int32_t> choose(std::mt19937& random, Choice choice, int num_experts, int lanes) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(num_experts));
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  if (choice == Choice::kSkewed) {
    std::sort(order.begin(), order.begin() + num_experts / 2);  // small ids first
  }
  if (choice == Choice::kOneHot) {
    std::iter_swap(order.begin(), std::find(order.begin(), order.end(), num_experts / 2));
  }
  if (choice == Choice::kNone) std::fill(order.begin(), order.end(), -1);
  if (choice == Choice::kHoles) {
    for (auto& expert : order) expert = random() % 3 == 0 ? -1 : expert;
  }
  order.resize(static_cast<std::size_t>(lanes), -1);
  return order;
}

}  // namespace

Step make_step(std::mt19937& random, Choice choice, int num_experts, int lanes,
               const std::vector<int>& tokens) {
  Step step{.lanes = lanes, .sources = {}};
  for (const int n : tokens) {
    Source source{.tokens = n, .experts = {}};
    for (int t = 0; t < n; ++t) {
      const auto row = choose(random, choice, num_experts, lanes);
      source.experts.insert(source.experts.end(), row.begin(), row.end());
    }
    step.sources.push_back(std::move(source));
  }
  return step;
}

std::vector<Flight> flights_of(const Step& step, const Placement& placement) {
  std::vector<Flight> flights;
  for (std::size_t source = 0; source < step.sources.size(); ++source) {
    const auto& experts = step.sources[source].experts;
    for (std::size_t i = 0; i < experts.size(); ++i) {
      if (experts[i] == -1) continue;
      const auto lanes = static_cast<std::size_t>(step.lanes);
      flights.push_back({static_cast<int>(source), static_cast<int>(i / lanes),
                         static_cast<int>(i % lanes), placement.owner(experts[i]),
                         placement.local_index(experts[i])});
    }
  }
  return flights;
}

Received receive(const std::vector<Flight>& flights, int rank, int ranks, int local_experts,
                 const Layout& layout) {
  std::vector<Flight> here;
  std::copy_if(flights.begin(), flights.end(), std::back_inserter(here),
               [&](const Flight& f) { return f.destination == rank; });
  Received out;
  out.row_of_flight.resize(here.size());
  out.expert_counts.resize(static_cast<std::size_t>(local_experts));
  out.expert_offsets.resize(static_cast<std::size_t>(local_experts) + 1);
  out.source_counts.resize(static_cast<std::size_t>(ranks));
  for (const Flight& f : here) ++out.expert_counts[static_cast<std::size_t>(f.expert)];

  const bool by_expert = layout.kind == tuttiMoeLayoutExpert;
  std::vector<std::size_t> order(here.size());
  std::iota(order.begin(), order.end(), 0u);
  if (by_expert) {
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return here[a].expert < here[b].expert; });
  }
  const std::size_t align = std::max(layout.align, 1u);
  int expert = 0;
  const auto close_groups_before = [&](int next) {
    for (; expert < next; ++expert) {
      while (out.rows.size() % align != 0) out.rows.push_back({-1, -1, -1});
      out.expert_offsets[static_cast<std::size_t>(expert) + 1] =
          static_cast<std::int64_t>(out.rows.size());
    }
  };
  const Flight* previous = nullptr;
  for (const std::size_t i : order) {
    const Flight& f = here[i];
    if (by_expert) close_groups_before(f.expert);
    const bool shares = !by_expert && layout.rows_per == tuttiMoeRowsPerRank &&
                        previous != nullptr &&
                        std::tie(previous->source, previous->token) == std::tie(f.source, f.token);
    if (!shares) {
      out.rows.push_back({f.source, f.token, f.lane});
      ++out.source_counts[static_cast<std::size_t>(f.source)];
    }
    out.row_of_flight[i] = static_cast<std::uint32_t>(out.rows.size() - 1);
    previous = &f;
  }
  if (by_expert) close_groups_before(local_experts);
  return out;
}

}  // namespace tutti::moe::oracle
