#include "perf/tutti_perf/moe_data.hpp"

#include <algorithm>
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

float scale_value(const MoeCase& c, int rank, std::size_t token, std::size_t block) {
  return static_cast<float>(code_of(~c.seed, rank, token * c.hidden + block) % 4096) / 1024.0F;
}

// Of a whole number below 2^8 times a power of two: nothing is rounded.
std::uint16_t exact_bf16(float value) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
}

}  // namespace

float element_value(const MoeCase& c, int rank, std::size_t token, std::size_t h) {
  return static_cast<float>(static_cast<int>(element_code(c, rank, token, h) % 255) - 127);
}

float result_scale(const MoeCase& c, int rank, std::int32_t expert) {
  const bool whole_rank = !c.expert_layout && !c.per_lane;
  return static_cast<float>(1 << ((whole_rank ? rank : expert) % 3));
}

std::size_t element_bytes(RowType type) {
  if (type == RowType::kFp32) return 4;
  return type == RowType::kBf16 ? 2 : 1;
}

void fill_row(const MoeCase& c, int rank, std::size_t token, std::byte* row) {
  for (std::size_t h = 0; h < c.hidden; ++h) {
    switch (c.dispatch_type) {
      case RowType::kBf16:
        put_element(row, h, exact_bf16(element_value(c, rank, token, h)));
        break;
      case RowType::kFp32:
        put_element(row, h, element_value(c, rank, token, h));
        break;
      case RowType::kInt8:
      case RowType::kFp8:  // opaque bytes
        put_element(row, h, static_cast<std::uint8_t>(element_code(c, rank, token, h)));
        break;
    }
  }
}

void fill_side(const MoeCase& c, int rank, std::size_t token, std::byte* side) {
  for (std::size_t i = 0; i < side_bytes(c) / sizeof(float); ++i) {
    put_element(side, i, scale_value(c, rank, token, i));
  }
}

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

bool quantises(const MoeCase& c) {
  return c.dispatch_type == RowType::kInt8 || c.dispatch_type == RowType::kFp8;
}

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

Travel count_travel(const MoeCase& c, const std::vector<Routing>& routings, bool dispatching) {
  const bool row_per_lane = c.per_lane || (c.expert_layout && !dispatching);
  Travel travel;
  std::vector<int> owners;  // of the rows of a token
  for (int rank = 0; rank < c.ranks; ++rank) {
    const Routing& routing = routings[static_cast<std::size_t>(rank)];
    for (std::size_t token = 0; token < c.tokens; ++token) {
      owners.clear();
      for (std::size_t lane = 0; lane < c.topk; ++lane) {
        const std::int32_t expert = routing.experts[token * c.topk + lane];
        if (expert < 0) continue;
        ++travel.lanes;
        const int owner = owner_of_expert(expert, c.ranks, c.experts);
        if (!row_per_lane && std::ranges::find(owners, owner) != owners.end()) continue;
        owners.push_back(owner);
        ++travel.rows;
        if (owner != rank) ++travel.rows_to_others;
      }
    }
  }
  return travel;
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
        put_element(row, h, value);
      } else {
        put_element(row, h, exact_bf16(value));
      }
    }
  }
}

}  // namespace tutti::perf
