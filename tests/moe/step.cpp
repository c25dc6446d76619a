#include "step.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "small_float.hpp"

namespace tutti::test {
namespace {

constexpr std::uint32_t kInputNoise = 1, kSideNoise = 2, kBiasNoise = 3;

std::uint32_t mix(std::uint32_t x) {
  x = (x ^ x >> 16) * 0x7feb352du;
  x = (x ^ x >> 15) * 0x846ca68bu;
  return x ^ x >> 16;
}

int below(std::mt19937& random, int bound) {
  return static_cast<int>(random() % static_cast<unsigned>(bound));
}

int tokens_of(const Case& c, int number, int rank, std::mt19937& random) {
  const int most = c.max_tokens();
  switch (c.routing) {
    case Routing::kSomeIdle:
      return (rank + number) % 2 == 0 ? 0 : most;
    case Routing::kRagged:
      return below(random, most + 1);
    default:
      return number % 3 == 1 ? (most + 1) / 2 : most;
  }
}

// K experts without replacement; with kZipf a few lanes stay unused.
void choose(const Case& c, std::mt19937& random, int* ids) {
  std::vector<int> order(static_cast<std::size_t>(c.experts));
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  if (c.routing == Routing::kOneHot) {
    std::iter_swap(order.begin() + below(random, c.topk),
                   std::find(order.begin(), order.end(), c.experts / 2));
  }
  if (c.routing == Routing::kZipf) {
    // Efraimidis-Spirakis: the largest u^(1/w) are a sample without replacement with weights w = 1
    // / id.
    std::vector<double> key(order.size());
    for (std::size_t e = 0; e < key.size(); ++e) {
      key[e] = std::log((static_cast<double>(random()) + 1) / 4294967297.0) *
               (static_cast<double>(e) + 1);
    }
    std::sort(order.begin(), order.end(), [&](int a, int b) {
      return key[static_cast<std::size_t>(a)] > key[static_cast<std::size_t>(b)];
    });
  }
  std::copy_n(order.begin(), c.topk, ids);
  for (int k = 0; k < c.topk; ++k) {
    const bool unused =
        c.routing == Routing::kNone || (c.routing == Routing::kZipf && below(random, 8) == 0);
    if (unused) ids[k] = -1;
  }
}

std::vector<Outgoing> make_up(const Case& c, int number) {
  std::vector<Outgoing> all;
  for (int rank = 0; rank < c.ranks; ++rank) {
    std::mt19937 random(mix(static_cast<std::uint32_t>(number * 1000 + rank)));
    Outgoing out{.tokens = tokens_of(c, number, rank, random), .ids = {}, .weights = {}};
    const auto tokens = static_cast<std::size_t>(out.tokens), k = static_cast<std::size_t>(c.topk);
    out.ids.resize(tokens * k);
    for (std::size_t t = 0; t < tokens; ++t) choose(c, random, &out.ids[t * k]);
    for (std::size_t i = 0; i < out.ids.size(); ++i) {
      out.weights.push_back(c.no_weights ? 1.0f
                                         : static_cast<float>(random() % 1000 + 1) / 1000.0f);
    }
    all.push_back(std::move(out));
  }
  return all;
}

}  // namespace

Owners::Owners(const Case& c) {
  std::vector<int> next(static_cast<std::size_t>(c.ranks));
  for (int rank = 0; rank < c.ranks; ++rank) {
    const int count = c.experts / c.ranks + (rank < c.experts % c.ranks ? 1 : 0);
    ranks_.insert(ranks_.end(), static_cast<std::size_t>(count), rank);
  }
  if (c.scattered) {
    std::mt19937 random(5);
    for (int& rank : ranks_) rank = below(random, c.ranks);
  }
  for (const int rank : ranks_) locals_.push_back(next[static_cast<std::size_t>(rank)]++);
}

std::vector<int> Owners::experts_of(int rank) const {
  std::vector<int> experts;
  for (std::size_t e = 0; e < ranks_.size(); ++e) {
    if (ranks_[e] == rank) experts.push_back(static_cast<int>(e));
  }
  return experts;
}

Step::Step(const Case& c, int number) : Step(c, number, make_up(c, number)) {}

Step::Step(const Case& c, int number, std::vector<Outgoing> outgoing)
    : case_(c),
      owners_(c),
      number_(static_cast<std::uint32_t>(number)),
      outgoing_(std::move(outgoing)) {}

std::vector<Step::Lane> Step::lanes_of(int source, int token) const {
  const Outgoing& from = outgoing(source);
  const std::size_t first = static_cast<std::size_t>(token) * static_cast<std::size_t>(case_.topk);
  std::vector<Lane> lanes;
  for (int k = 0; k < case_.topk; ++k) {
    const std::size_t i = first + static_cast<std::size_t>(k);
    if (from.ids[i] >= 0) lanes.push_back({source, token, k, from.ids[i], from.weights[i]});
  }
  return lanes;
}

bool Step::shares_row(const Lane& a, const Lane& b) const {
  return !by_expert() && case_.rows_per == tuttiMoeRowsPerRank && a.source == b.source &&
         a.token == b.token && owners_.rank_of(a.expert) == owners_.rank_of(b.expert);
}

Incoming Step::incoming(int rank) const {
  std::vector<Lane> here;
  Incoming in;
  in.source_counts.resize(static_cast<std::size_t>(case_.ranks));
  for (int source = 0; source < case_.ranks; ++source) {
    for (int token = 0; token < outgoing(source).tokens; ++token) {
      for (const Lane& lane : lanes_of(source, token)) {
        if (owners_.rank_of(lane.expert) == rank) here.push_back(lane);
      }
    }
  }
  const std::vector<int> experts = owners_.experts_of(rank);
  for (const int expert : experts) {
    in.expert_counts.push_back(
        std::count_if(here.begin(), here.end(), [&](const Lane& l) { return l.expert == expert; }));
  }
  const auto topk = static_cast<std::size_t>(case_.topk);
  const auto add_row = [&](const Lane& lane) {
    in.rows.push_back({lane.source, lane.token, lane.lane});
    ++in.source_counts[static_cast<std::size_t>(lane.source)];
  };
  if (by_expert()) {
    for (const int expert : experts) {
      in.expert_offsets.push_back(static_cast<std::int64_t>(in.rows.size()));
      for (const Lane& lane : here) {
        if (lane.expert != expert) continue;
        add_row(lane);
        in.weights.push_back(lane.weight);
      }
      while (in.rows.size() % static_cast<std::size_t>(case_.align) != 0) {
        in.rows.push_back({-1, -1, -1});
        in.weights.push_back(0);
      }
    }
    in.expert_offsets.push_back(static_cast<std::int64_t>(in.rows.size()));
    return in;
  }
  for (std::size_t i = 0; i < here.size(); ++i) {
    if (i == 0 || !shares_row(here[i - 1], here[i])) {
      add_row(here[i]);
      in.ids.resize(in.ids.size() + topk, -1);
      in.weights.resize(in.weights.size() + topk, 0);
    }
    const std::size_t place = (in.rows.size() - 1) * topk + static_cast<std::size_t>(here[i].lane);
    in.ids[place] = owners_.local_of(here[i].expert);
    in.weights[place] = here[i].weight;
  }
  return in;
}

std::uint32_t Step::noise(std::uint32_t kind, int rank, int token, std::size_t element) const {
  const auto place =
      mix(mix(number_ * 131 + kind) + static_cast<std::uint32_t>(rank * 4099 + token));
  return mix(place + static_cast<std::uint32_t>(element));
}

// Exactly representable in every type.
float Step::input(int rank, int token, std::size_t element) const {
  return static_cast<float>(static_cast<int>(noise(kInputNoise, rank, token, element) % 255) -
                            127) /
         32.0f;
}

void Step::input_row(int rank, int token, std::byte* row) const {
  if (case_.type == RowType::kBytes) {
    for (std::size_t i = 0; i < case_.row_bytes(); ++i) {
      row[i] = static_cast<std::byte>(noise(kInputNoise, rank, token, i));
    }
    return;
  }
  for (std::size_t h = 0; h < static_cast<std::size_t>(case_.hidden); ++h) {
    store(row, h, case_.result_type(), input(rank, token, h));
  }
}

void Step::side_row(int rank, int token, std::byte* side) const {
  for (std::size_t i = 0; i < static_cast<std::size_t>(case_.side_bytes); ++i) {
    side[i] = static_cast<std::byte>(noise(kSideNoise, rank, token, i));
  }
}

void Step::bias_row(int which, int rank, int token, std::byte* row) const {
  for (std::size_t h = 0; h < static_cast<std::size_t>(case_.hidden); ++h) {
    const auto bits = noise(kBiasNoise + static_cast<std::uint32_t>(which), rank, token, h);
    store(row, h, case_.result_type(), static_cast<float>(bits % 200) / 7.0f);
  }
}

float Step::expert_value(const Lane& lane, std::size_t element) const {
  const float scale = 1.0f + static_cast<float>(lane.expert % 5) / 3.0f;
  return scale * input(lane.source, lane.token, element) + static_cast<float>(lane.expert % 7);
}

// One row of combine's input: `lanes` are those that the row stands for.
float Step::row_value(const std::vector<Lane>& lanes, std::size_t element) const {
  if (by_expert()) return rounded(expert_value(lanes.front(), element), case_.result_type());
  float sum = 0;
  for (const Lane& lane : lanes) sum += lane.weight * expert_value(lane, element);
  return rounded(sum, case_.result_type());
}

void Step::result_row(const Incoming& incoming, int rank, std::size_t row, std::byte* out) const {
  const tuttiMoeSource_t& from = incoming.rows[row];
  std::vector<Lane> here;
  if (from.rank >= 0) {
    for (const Lane& lane : lanes_of(from.rank, from.token)) {
      const bool first = lane.lane == from.lane;
      if (owners_.rank_of(lane.expert) == rank &&
          (first || (!here.empty() && shares_row(here.front(), lane)))) {
        here.push_back(lane);
      }
    }
  }
  for (std::size_t h = 0; h < static_cast<std::size_t>(case_.hidden); ++h) {
    const float value = here.empty() ? std::numeric_limits<float>::quiet_NaN() : row_value(here, h);
    store(out, h, case_.result_type(), value);
  }
}

void Step::combined_row(int rank, int token, std::byte* out) const {
  std::vector<Lane> lanes = lanes_of(rank, token);
  if (!by_expert()) {
    std::stable_sort(lanes.begin(), lanes.end(), [&](const Lane& a, const Lane& b) {
      return owners_.rank_of(a.expert) < owners_.rank_of(b.expert);
    });
  }
  std::vector<std::vector<Lane>> rows;
  for (const Lane& lane : lanes) {
    if (rows.empty() || !shares_row(rows.back().front(), lane)) rows.emplace_back();
    rows.back().push_back(lane);
  }
  std::vector<std::vector<std::byte>> biases(static_cast<std::size_t>(case_.biases));
  for (std::size_t b = 0; b < biases.size(); ++b) {
    biases[b].resize(case_.result_bytes());
    bias_row(static_cast<int>(b), rank, token, biases[b].data());
  }
  for (std::size_t h = 0; h < static_cast<std::size_t>(case_.hidden); ++h) {
    float sum = 0;
    for (const auto& row : rows) {
      const float value = row_value(row, h);
      sum += by_expert() ? row.front().weight * value : value;
    }
    for (const auto& bias : biases) sum += load(bias.data(), h, case_.result_type());
    store(out, h, case_.result_type(), sum);
  }
}

std::vector<Step> steps_of(const Case& c, int count) {
  std::vector<Step> steps;
  steps.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) steps.emplace_back(c, i);
  return steps;
}

}  // namespace tutti::test
