#include "tokens.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <numeric>
#include <stdexcept>

#include "hash.hpp"

namespace moe_layer {
namespace {

using example::narrow;

constexpr std::uint32_t kProjectionSeed = 0x70726f6a, kGateSeed = 0x67617465;
constexpr float kPreviousWord = 0.4f;  // how much of the word before colours a token

std::vector<std::string> words_in(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> words;
  std::string word;
  for (char c = 0; file.get(c);) {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  if (words.empty()) throw std::runtime_error("there are no words in " + path);
  return words;
}

std::vector<float> uniform_matrix(std::uint32_t seed, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = uniform(seed, static_cast<std::uint32_t>(i));
  return values;
}

}  // namespace

TokenSource::TokenSource(const Config& config)
    : config_(config),
      words_(words_in(config.text)),
      projection_(
          uniform_matrix(kProjectionSeed, kFeatures * static_cast<std::size_t>(config.hidden))),
      gate_(uniform_matrix(kGateSeed, kFeatures * static_cast<std::size_t>(config.experts))) {}

std::size_t TokenSource::first_word(int step, int rank) const {
  return (static_cast<std::size_t>(step) * static_cast<std::size_t>(config_.ranks) +
          static_cast<std::size_t>(rank)) *
         static_cast<std::size_t>(config_.tokens);
}

void TokenSource::fill(int step, int rank, Batch& batch) const {
  const auto tokens = static_cast<std::size_t>(config_.tokens);
  const auto hidden = static_cast<std::size_t>(config_.hidden);
  const auto topk = static_cast<std::size_t>(config_.topk);
  batch.vectors.resize(tokens * hidden);
  batch.experts.resize(tokens * topk);
  batch.weights.resize(tokens * topk);
  for (std::size_t t = 0; t < tokens; ++t) {
    Features features;
    features_of(first_word(step, rank) + t, features);
    project(features, &batch.vectors[t * hidden]);
    choose(features, &batch.experts[t * topk], &batch.weights[t * topk]);
  }
}

void TokenSource::features_of(std::size_t index, Features& out) const {
  const std::uint32_t here = hash(word(index));
  const std::uint32_t before = hash(word(index + words_.size() - 1));
  for (std::uint32_t i = 0; i < kFeatures; ++i) {
    out[i] = uniform(here, i) + kPreviousWord * uniform(before, i);
  }
}

void TokenSource::project(const Features& features, Bf16* vector) const {
  const auto hidden = static_cast<std::size_t>(config_.hidden);
  std::vector<float> sum(hidden);
  for (std::size_t i = 0; i < kFeatures; ++i) {
    const float* row = &projection_[i * hidden];
    for (std::size_t h = 0; h < hidden; ++h) sum[h] += features[i] * row[h];
  }
  narrow(sum.data(), vector, hidden);
}

// The experts with the highest scores, best first, weighted by the softmax of those scores.
void TokenSource::choose(const Features& features, std::int32_t* experts, float* weights) const {
  std::vector<float> scores(static_cast<std::size_t>(config_.experts));
  for (std::size_t e = 0; e < scores.size(); ++e) {
    scores[e] = std::inner_product(features, features + kFeatures, &gate_[e * kFeatures], 0.0f);
  }
  std::vector<std::int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto score = [&](std::int32_t e) { return scores[static_cast<std::size_t>(e)]; };
  std::partial_sort(order.begin(), order.begin() + config_.topk, order.end(), [&](auto a, auto b) {
    return score(a) > score(b) || (score(a) == score(b) && a < b);
  });
  std::copy_n(order.begin(), config_.topk, experts);
  float total = 0;
  for (int k = 0; k < config_.topk; ++k) {
    weights[k] = std::exp(score(experts[k]) - score(experts[0]));
    total += weights[k];
  }
  for (int k = 0; k < config_.topk; ++k) weights[k] /= total;
}

}  // namespace moe_layer
