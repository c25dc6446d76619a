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

struct Rows {
  bool plain = false;     // tokens lie in private memory: copied to shared memory first
  bool streamed = false;  // copied by stores that bypass the caches
};

constexpr std::size_t kResults = kBufferBytes / 2;  // in `staging`, after the copy of plain tokens
static_assert(kResults + kTokens * kRowBytes <= kBufferBytes);

// One layer's dispatch and combine. Dispatch fills `out` of both ranks, combine reads it.
class Step {
 public:
  Step(bool experts, Rows rows, const std::shared_ptr<const Routing>& routing)
      : experts_(experts), rows_(rows), routing_(routing) {}

  void dispatch(Side& side) {
    if (rows_.plain) {
      if (plain_.empty()) plain_.assign(kTokens * kRowBytes, std::byte{1});
      copy(side.mine().staging, plain_.data(), plain_.size());
    }
    side.exchange();
    experts_ ? pull_experts(side) : pull_tokens(side);
    side.exchange();
  }

  void combine(Side& side) const {
    side.exchange();
    experts_ ? combine_experts(side) : combine_tokens(side);
    side.exchange();
  }

 private:
  void copy(std::byte* to, const std::byte* from, std::size_t bytes) const {
    (rows_.streamed ? copy_bytes_streamed : copy_bytes)(to, from, bytes);
  }

  void pull_row(Side& side, std::size_t row, std::size_t rank, std::size_t token) const {
    const Segment& from = side.of(static_cast<int>(rank));
    copy(side.mine().out + row * kRowBytes,
         (rows_.plain ? from.staging : from.in) + token * kRowBytes, kRowBytes);
  }

  // Every rank receives every token's row once.
  void pull_tokens(Side& side) const {
    for (std::size_t rank = 0; rank < kRanks; ++rank) {
      for (std::size_t token = 0; token < kTokens; ++token) {
        pull_row(side, rank * kTokens + token, rank, token);
      }
    }
  }

  void pull_experts(Side& side) const {
    const auto& sources = routing_->sources[side.rank()];
    for (std::size_t row = 0; row < sources.size(); ++row) {
      pull_row(side, row, sources[row].rank, sources[row].token);
    }
  }

  static std::uint16_t* row_of(std::byte* rows, std::size_t index) {
    return reinterpret_cast<std::uint16_t*>(rows + index * kRowBytes);
  }

  // A token's row from each rank, already weighted there.
  void combine_tokens(Side& side) const {
    for (std::size_t token = 0; token < kTokens; ++token) {
      const std::size_t row = static_cast<std::size_t>(side.rank()) * kTokens + token;
      add_bf16(row_of(side.mine().staging + kResults, token), row_of(side.of(0).out, row),
               row_of(side.of(1).out, row), kHidden);
    }
  }

  // A token's eight rows, weighted here.
  void combine_experts(Side& side) const {
    const float weights[kTopk] = {0.3f, 0.2f, 0.1f, 0.1f, 0.1f, 0.1f, 0.05f, 0.05f};
    const auto& places = routing_->places[side.rank()];
    for (std::size_t token = 0; token < kTokens; ++token) {
      const std::uint16_t* rows[kTopk];
      for (std::size_t lane = 0; lane < kTopk; ++lane) {
        const auto& place = places[token][lane];
        rows[lane] = row_of(side.of(static_cast<int>(place.rank)).out, place.row);
      }
      weigh8_bf16(row_of(side.mine().staging + kResults, token), rows, weights, kHidden);
    }
  }

  bool experts_;
  Rows rows_;
  std::shared_ptr<const Routing> routing_;
  std::vector<std::byte> plain_;  // each process fills its own
};

// Both phases of a step, each timed with the other one before it, as an engine alternates them.
void add_phases(std::vector<Loop>& loops, bool experts, Rows rows,
                const std::shared_ptr<const Routing>& routing) {
  const std::string op = experts ? "moe_expert_" : "moe_token_";
  const std::string plain = rows.plain ? "_plain" : "";
  const std::string variant = std::string(rows.plain ? "copy to staging, pull" : "pull") +
                              (rows.streamed ? ", streaming" : "");
  const auto step = std::make_shared<Step>(experts, rows, routing);
  const auto repeat = [](const auto& phase) {
    return [phase](Side& side, std::size_t iterations) {
      for (std::size_t i = 0; i < iterations; ++i) phase(side);
    };
  };
  const auto dispatch = [step](Side& side) { step->dispatch(side); };
  const auto combine = [step](Side& side) { step->combine(side); };
  loops.push_back({op + "dispatch" + plain, variant, kRowBytes, repeat(dispatch), combine});
  loops.push_back({op + "combine" + plain, variant, kRowBytes, repeat(combine), dispatch});
}

}  // namespace

std::vector<Loop> moe_loops() {
  const auto routing = std::make_shared<const Routing>(make_routing());
  std::vector<Loop> loops;
  for (bool experts : {false, true}) {
    for (bool plain : {false, true}) {
      for (bool streamed : {false, true}) {
        add_phases(loops, experts, {.plain = plain, .streamed = streamed}, routing);
      }
    }
  }
  return loops;
}

}  // namespace tutti::raw
