#include "perf/tutti_perf/moe_data.hpp"

#include <bit>
#include <cstring>

#include "perf/tutti_perf/element.hpp"

namespace tutti::perf {
namespace {

RowType parse_row_type(const std::string& name) {
  if (name == "bf16") return RowType::kBf16;
  if (name == "fp32") return RowType::kFp32;
  return name == "int8" ? RowType::kInt8 : RowType::kFp8;
}

constexpr std::size_t kFp8Block = 128;  // elements that share a scale

// The 8 bits that element h of a token's row is made from.
std::uint64_t element_code(const MoeCase& c, int rank, std::size_t token, std::size_t h) {
  return code_of(c.seed, rank, token * c.hidden + h);
}

// Exact in BF16, and so are its products with the scales below.
float element_value(const MoeCase& c, int rank, std::size_t token, std::size_t h) {
  return static_cast<float>(static_cast<int>(element_code(c, rank, token, h) % 255) - 127);
}

float scale_value(const MoeCase& c, int rank, std::size_t token, std::size_t block) {
  return static_cast<float>(code_of(~c.seed, rank, token * c.hidden + block) % 4096) / 1024.0F;
}

// Of a whole number below 2^8 times a power of two: nothing is rounded.
std::uint16_t exact_bf16(float value) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
}

std::uint16_t round_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// What the stand-in for an expert, or for all experts of a rank, multiplies rows by.
float result_scale(const MoeCase& c, int rank, std::int32_t expert) {
  const bool whole_rank = !c.expert_layout && !c.per_lane;
  return static_cast<float>(1 << ((whole_rank ? rank : expert) % 3));
}

int owner_of(const MoeCase& c, std::int32_t expert) {
  int rank = 0;
  while (first_expert(rank + 1, c.ranks, c.experts) <= expert) ++rank;
  return rank;
}

template <class T>
void put(std::byte* row, std::size_t index, T value) {
  std::memcpy(row + index * sizeof(T), &value, sizeof(T));
}

void fill_row(const MoeCase& c, int rank, std::size_t token, std::byte* row) {
  for (std::size_t h = 0; h < c.hidden; ++h) {
    switch (c.dispatch_type) {
      case RowType::kBf16:
        put(row, h, exact_bf16(element_value(c, rank, token, h)));
        break;
      case RowType::kFp32:
        put(row, h, element_value(c, rank, token, h));
        break;
      case RowType::kInt8:
      case RowType::kFp8:  // opaque bytes
        put(row, h, static_cast<std::uint8_t>(element_code(c, rank, token, h)));
        break;
    }
  }
}

void fill_side(const MoeCase& c, int rank, std::size_t token, std::byte* side) {
  for (std::size_t i = 0; i < side_bytes(c) / sizeof(float); ++i) {
    put(side, i, scale_value(c, rank, token, i));
  }
}

std::size_t element_bytes(RowType type) {
  if (type == RowType::kFp32) return 4;
  return type == RowType::kBf16 ? 2 : 1;
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
  for (int rank = 0; rank < c.ranks; ++rank) {
    for (std::size_t lane = begin; lane < begin + c.topk; ++lane) {
      const std::int32_t expert = routing.experts[lane];
      if (expert < 0 || owner_of(c, expert) != rank) continue;
      terms.push_back({1, result_scale(c, rank, expert)});  // the caller has weighted it
      if (!c.per_lane) break;
    }
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

MoeCase make_moe_case(const Options& options, int rank, int ranks) {
  const MoeOptions& moe = options.moe;
  return {.tokens = static_cast<std::size_t>(moe.tokens),
          .hidden = static_cast<std::size_t>(moe.hidden),
          .topk = static_cast<std::size_t>(moe.topk),
          .experts = moe.experts,
          .expert_layout = moe.layout == "expert",
          .per_lane = moe.rows_per == "lane",
          .dispatch_type = parse_row_type(moe.dispatch_type),
          .combine_fp32 = moe.combine_type == "fp32",
          .seed = options.seed,
          .rank = rank,
          .ranks = ranks};
}

std::size_t row_bytes(const MoeCase& c) { return c.hidden * element_bytes(c.dispatch_type); }

std::size_t side_bytes(const MoeCase& c) {
  if (c.dispatch_type == RowType::kInt8) return sizeof(float);
  if (c.dispatch_type != RowType::kFp8) return 0;
  return (c.hidden + kFp8Block - 1) / kFp8Block * sizeof(float);
}

std::size_t combine_row_bytes(const MoeCase& c) { return c.hidden * (c.combine_fp32 ? 4 : 2); }

bool same_type(const MoeCase& c) {
  return c.dispatch_type == (c.combine_fp32 ? RowType::kFp32 : RowType::kBf16);
}

std::vector<Arrival> arrivals_of(const MoeCase& c, const std::vector<Routing>& routings) {
  // One walk per group of rows: all local experts together, or each by itself.
  const int first = first_expert(c.rank, c.ranks, c.experts);
  const int end = first_expert(c.rank + 1, c.ranks, c.experts);
  const int width = c.expert_layout ? 1 : end - first;
  std::vector<Arrival> arrivals;
  for (int low = first; low < end; low += width) {
    for (int rank = 0; rank < c.ranks; ++rank) {
      const Routing& routing = routings[static_cast<std::size_t>(rank)];
      for (std::size_t token = 0; token < c.tokens; ++token) {
        for (std::size_t lane = 0; lane < c.topk; ++lane) {
          const std::int32_t expert = routing.experts[token * c.topk + lane];
          if (expert < low || expert >= low + width) continue;
          arrivals.push_back({rank, token, lane, expert});
          if (!c.expert_layout && !c.per_lane) break;
        }
      }
    }
  }
  return arrivals;
}

void fill_rows(const MoeCase& c, std::byte* rows, std::byte* side) {
  for (std::size_t token = 0; token < c.tokens; ++token) {
    fill_row(c, c.rank, token, rows + token * row_bytes(c));
    if (side_bytes(c) > 0) fill_side(c, c.rank, token, side + token * side_bytes(c));
  }
}

void fill_combine_rows(const MoeCase& c, const std::vector<Arrival>& arrivals, std::byte* rows) {
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    const Arrival& arrival = arrivals[i];
    const float scale = result_scale(c, c.rank, arrival.expert);
    std::byte* row = rows + i * combine_row_bytes(c);
    for (std::size_t h = 0; h < c.hidden; ++h) {
      const float value = scale * element_value(c, arrival.rank, arrival.token, h);
      if (c.combine_fp32) {
        put(row, h, value);
      } else {
        put(row, h, exact_bf16(value));
      }
    }
  }
}

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
        put(expected.data(), h, sum);
      } else {
        put(expected.data(), h, round_to_bf16(sum));
      }
    }
    wrong += count_differences(out + token * expected.size(), expected.data(), c.hidden,
                               c.combine_fp32 ? 4 : 2);
  }
  return wrong;
}

}  // namespace tutti::perf
