// The data movement of one MoE step of DeepSeek-R1's shape between two ranks: 128 tokens per rank,
// top-8 of 64 experts, rows of 7168 bfloat16. Every token visits both ranks, with four lanes on
// each.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <numeric>

#include "perf/raw/kernels.hpp"
#include "perf/raw/loops.hpp"

namespace tutti::raw {
namespace {

constexpr std::size_t kTokens = 128, kHidden = 7168, kTopk = 8, kExperts = 64, kRanks = 2;
constexpr std::size_t kRowBytes = kHidden * sizeof(std::uint16_t);
constexpr std::size_t kRowsPerRank = kTokens * kTopk;  // EXPERT: 2 * 128 tokens * 4 lanes
static_assert(kRowsPerRank * kRowBytes <= kBufferBytes);

struct Source {
  std::size_t rank, token, lane;
};

struct Routing {
  // EXPERT: where each of a rank's rows comes from, in the order in which dispatch delivers them.
  std::vector<Source> sources[kRanks];
  // And back: the row of (rank, token, lane) on the rank that owns the lane's expert.
  struct Place {
    std::size_t rank, row;
  };
  std::vector<std::array<Place, kTopk>> places[kRanks];
};

// Four distinct experts on each rank for every token, by a small linear congruential generator.
Routing make_routing() {
  struct Visit {
    std::size_t expert;
    Source source;
  };
  Routing routing;
  std::vector<Visit> visits;
  std::uint32_t state = 12345;
  for (std::size_t rank = 0; rank < kRanks; ++rank) {
    routing.places[rank].resize(kTokens);
    for (std::size_t token = 0; token < kTokens; ++token) {
      for (std::size_t owner = 0; owner < kRanks; ++owner) {
        std::array<std::size_t, kExperts / kRanks> experts;
        std::iota(experts.begin(), experts.end(), owner * experts.size());
        for (std::size_t i = 0; i < kTopk / kRanks; ++i) {
          state = state * 1664525u + 1013904223u;
          std::swap(experts[i], experts[i + (state >> 16) % (experts.size() - i)]);
          visits.push_back({experts[i], {rank, token, owner * (kTopk / kRanks) + i}});
        }
      }
    }
  }
  std::stable_sort(visits.begin(), visits.end(),
                   [](const Visit& a, const Visit& b) { return a.expert < b.expert; });
  for (const Visit& visit : visits) {
    const std::size_t owner = visit.expert / (kExperts / kRanks);
    const Source& from = visit.source;
    routing.places[from.rank][from.token][from.lane] = {owner, routing.sources[owner].size()};
    routing.sources[owner].push_back(from);
  }
  return routing;
}

enum class Rows { shared, shared_streamed, plain };  // plain: copied to shared memory first

void pull_row(Side& side, std::size_t row, std::size_t rank, std::size_t token, Rows rows) {
  const Segment& from = side.of(static_cast<int>(rank));
  const auto copy_row = rows == Rows::shared_streamed ? copy_bytes_streamed : copy_bytes;
  copy_row(side.mine().out + row * kRowBytes,
           (rows == Rows::plain ? from.staging : from.in) + token * kRowBytes, kRowBytes);
}

// Every rank receives every token's row once.
void pull_tokens(Side& side, Rows rows) {
  for (std::size_t rank = 0; rank < kRanks; ++rank) {
    for (std::size_t token = 0; token < kTokens; ++token) {
      pull_row(side, rank * kTokens + token, rank, token, rows);
    }
  }
}

void pull_experts(Side& side, const std::vector<Source>& sources, Rows rows) {
  for (std::size_t row = 0; row < sources.size(); ++row) {
    pull_row(side, row, sources[row].rank, sources[row].token, rows);
  }
}

Loop dispatch(bool experts, Rows rows, const std::shared_ptr<const Routing>& routing) {
  constexpr const char* kVariants[] = {"pull", "pull, streaming stores", "copy to staging, pull"};
  const std::string op = experts ? "moe_expert_dispatch" : "moe_token_dispatch";
  const auto plain = std::make_shared<std::vector<std::byte>>();  // each process fills its own
  return {op + (rows == Rows::plain ? "_plain" : ""), kVariants[static_cast<int>(rows)], kRowBytes,
          [=](Side& side, std::size_t iterations) {
            if (plain->empty()) plain->assign(kTokens * kRowBytes, std::byte{1});
            const auto& sources = routing->sources[side.rank()];
            for (std::size_t i = 0; i < iterations; ++i) {
              if (rows == Rows::plain) {
                copy_bytes(side.mine().staging, plain->data(), plain->size());
              }
              side.exchange();
              experts ? pull_experts(side, sources, rows) : pull_tokens(side, rows);
              side.exchange();
            }
          }};
}

std::uint16_t* row_of(std::byte* rows, std::size_t index) {
  return reinterpret_cast<std::uint16_t*>(rows + index * kRowBytes);
}

// TOKEN: a token's row from each rank, already weighted there.
Loop combine_tokens() {
  return {"moe_token_combine", "pull and add", kRowBytes, [](Side& side, std::size_t iterations) {
            const auto rank = static_cast<std::size_t>(side.rank());
            for (std::size_t i = 0; i < iterations; ++i) {
              side.exchange();
              for (std::size_t token = 0; token < kTokens; ++token) {
                const std::size_t row = rank * kTokens + token;
                add_bf16(row_of(side.mine().out, token), row_of(side.of(0).in, row),
                         row_of(side.of(1).in, row), kHidden);
              }
              side.exchange();
            }
          }};
}

// EXPERT: a token's eight rows, weighted here.
Loop combine_experts(const std::shared_ptr<const Routing>& routing) {
  return {"moe_expert_combine", "pull, weigh and add", kRowBytes,
          [routing](Side& side, std::size_t iterations) {
            const float weights[kTopk] = {0.3f, 0.2f, 0.1f, 0.1f, 0.1f, 0.1f, 0.05f, 0.05f};
            const auto& places = routing->places[side.rank()];
            for (std::size_t i = 0; i < iterations; ++i) {
              side.exchange();
              for (std::size_t token = 0; token < kTokens; ++token) {
                const std::uint16_t* rows[kTopk];
                for (std::size_t lane = 0; lane < kTopk; ++lane) {
                  const auto& place = places[token][lane];
                  rows[lane] = row_of(side.of(static_cast<int>(place.rank)).in, place.row);
                }
                weigh8_bf16(row_of(side.mine().out, token), rows, weights, kHidden);
              }
              side.exchange();
            }
          }};
}

}  // namespace

std::vector<Loop> moe_loops() {
  const auto routing = std::make_shared<const Routing>(make_routing());
  std::vector<Loop> loops{combine_tokens(), combine_experts(routing)};
  for (Rows rows : {Rows::shared, Rows::shared_streamed, Rows::plain}) {
    loops.push_back(dispatch(false, rows, routing));
    loops.push_back(dispatch(true, rows, routing));
  }
  return loops;
}

}  // namespace tutti::raw
