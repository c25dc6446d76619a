// What dispatch delivered and combine returned, element by element against our own computation.
#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "perf/tutti_perf/moe_data.hpp"

namespace tutti::perf {
namespace {

std::uint16_t round_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

int owner_of(const MoeCase& c, std::int32_t expert) {
  return owner_of_expert(expert, c.ranks, c.experts);
}

std::size_t count_differences(const std::byte* a, const std::byte* b, std::size_t elements,
                              std::size_t width) {
  if (std::memcmp(a, b, elements * width) == 0) return 0;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < elements; ++i) {
    if (std::memcmp(a + i * width, b + i * width, width) != 0) ++wrong;
  }
  return wrong;
}

// TOKEN: a lane belongs to a row when its expert lives here and, with a row per lane, it is the
// row's.
std::size_t count_wrong_lanes(const MoeCase& c, const Routing& routing, const Arrival& arrival,
                              const std::int32_t* ids, const float* weights) {
  const int first = first_expert(c.rank, c.ranks, c.experts);
  std::size_t wrong = 0;
  for (std::size_t lane = 0; lane < c.topk; ++lane) {
    const std::size_t at = arrival.token * c.topk + lane;
    const std::int32_t expert = routing.experts[at];
    const bool here =
        expert >= 0 && owner_of(c, expert) == c.rank && (!c.per_lane || lane == arrival.lane);
    if (ids[lane] != (here ? expert - first : -1)) ++wrong;
    if (weights[lane] != (here ? routing.weights[at] : 0.0F)) ++wrong;
  }
  return wrong;
}

// What combine adds up for a token, in its order: weight * (scale * value).
struct Term {
  float weight, scale;
};

std::vector<Term> terms_of(const MoeCase& c, const Routing& routing, std::size_t token) {
  std::vector<Term> terms;
  const std::size_t begin = token * c.topk;
  if (c.expert_layout) {
    for (std::size_t lane = begin; lane < begin + c.topk; ++lane) {
      const std::int32_t expert = routing.experts[lane];
      if (expert >= 0) terms.push_back({routing.weights[lane], result_scale(c, 0, expert)});
    }
    return terms;
  }
  std::vector<std::pair<int, std::int32_t>> rows;  // by rank, then lane
  for (std::size_t lane = begin; lane < begin + c.topk; ++lane) {
    const std::int32_t expert = routing.experts[lane];
    if (expert >= 0) rows.emplace_back(owner_of(c, expert), expert);
  }
  std::ranges::stable_sort(rows, {}, &std::pair<int, std::int32_t>::first);
  int last = -1;
  for (const auto& [rank, expert] : rows) {
    if (rank == last && !c.per_lane) continue;  // a row for all lanes, as the first one says
    terms.push_back({1, result_scale(c, rank, expert)});  // the caller has weighted it
    last = rank;
  }
  return terms;
}

float sum_of(const std::vector<Term>& terms, float value) {
  if (terms.empty()) return 0;
  float sum = terms[0].weight * (terms[0].scale * value);
  for (std::size_t i = 1; i < terms.size(); ++i) {
    sum = sum + terms[i].weight * (terms[i].scale * value);
  }
  return sum;
}

}  // namespace

std::size_t count_wrong_dispatch(const MoeCase& c, const std::vector<Routing>& routings,
                                 const std::vector<Arrival>& arrivals,
                                 const tuttiMoeOutput_t& output) {
  if (output.num_rows != arrivals.size()) return arrivals.size() + 1;
  const std::size_t width = element_bytes(c.dispatch_type);
  std::vector<std::byte> row(row_bytes(c)), side(side_bytes(c));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    const Arrival& arrival = arrivals[i];
    const Routing& routing = routings[static_cast<std::size_t>(arrival.rank)];
    fill_row(c, arrival.rank, arrival.token, row.data());
    wrong += count_differences(static_cast<const std::byte*>(output.rows) + i * row.size(),
                               row.data(), c.hidden, width);
    if (!side.empty()) {
      fill_side(c, arrival.rank, arrival.token, side.data());
      wrong += count_differences(static_cast<const std::byte*>(output.side) + i * side.size(),
                                 side.data(), side.size() / sizeof(float), sizeof(float));
    }
    if (!c.expert_layout) {
      wrong += count_wrong_lanes(c, routing, arrival, output.ids + i * c.topk,
                                 output.weights + i * c.topk);
    } else if (output.weights[i] != routing.weights[arrival.token * c.topk + arrival.lane]) {
      ++wrong;
    }
  }
  return wrong;
}

std::size_t count_wrong_combine(const MoeCase& c, const Routing& routing, const std::byte* out) {
  std::vector<std::byte> expected(combine_row_bytes(c));
  std::size_t wrong = 0;
  for (std::size_t token = 0; token < c.tokens; ++token) {
    const std::vector<Term> terms = terms_of(c, routing, token);
    for (std::size_t h = 0; h < c.hidden; ++h) {
      const float sum = sum_of(terms, element_value(c, c.rank, token, h));
      if (c.combine_fp32) {
        put_element(expected.data(), h, sum);
      } else {
        put_element(expected.data(), h, round_to_bf16(sum));
      }
    }
    wrong += count_differences(out + token * expected.size(), expected.data(), c.hidden,
                               c.combine_fp32 ? 4 : 2);
  }
  return wrong;
}

}  // namespace tutti::perf
