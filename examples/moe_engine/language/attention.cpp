#include "attention.hpp"

#include <cblas.h>

#include <algorithm>
#include <cmath>

#include "norm.hpp"

namespace moe_engine {
namespace {

void softmax(float* values, std::size_t count) {
  const float most = *std::max_element(values, values + count);
  float sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += values[i] = std::exp(values[i] - most);
  for (std::size_t i = 0; i < count; ++i) values[i] /= sum;
}

}  // namespace

Attention::Attention(const ModelConfig& config, const example::Products& products,
                     std::size_t tokens)
    : config_(config), products_(products), scores_(config.context) {
  const std::size_t half = config.head_size() / 2, rows = products.padded(tokens);
  for (std::size_t position = 0; position < config.context; ++position) {
    for (std::size_t i = 0; i < half; ++i) {
      const double turns = static_cast<double>(2 * i) / static_cast<double>(config.head_size());
      const double angle = static_cast<double>(position) / std::pow(config.rope_theta, turns);
      cos_.push_back(static_cast<float>(std::cos(angle)));
      sin_.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  normed_.resize(rows * config.dim);
  qkv_.resize(rows * 3 * config.dim);
  mixed_.resize(rows * config.dim);
  projected_.resize(rows * config.dim);
}

void Attention::run(const BlockWeights& weights, std::size_t layer, std::span<const Token> tokens,
                    float* hidden) {
  const std::size_t dim = config_.dim;
  rms_norm(tokens.size(), dim, hidden, weights.attn_norm.data(), config_.norm_eps, normed_.data());
  products_.multiply(tokens.size(), {3 * dim, dim}, normed_.data(), weights.qkv.data(),
                     qkv_.data());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    remember(tokens[i], layer, &qkv_[i * 3 * dim]);
    attend(tokens[i], layer, &qkv_[i * 3 * dim], &mixed_[i * dim]);
  }
  products_.multiply(tokens.size(), {dim, dim}, mixed_.data(), weights.wo.data(),
                     projected_.data());
  for (std::size_t i = 0; i < tokens.size() * dim; ++i) hidden[i] += projected_[i];
}

// Turns query and key by the token's position, and keeps key and value.
void Attention::remember(const Token& token, std::size_t layer, float* qkv) const {
  const std::size_t size = config_.head_size(), place = token.position * size;
  for (std::size_t head = 0; head < config_.heads; ++head) {
    float* const query = qkv + head * size;
    float* const key = query + config_.dim;
    rotate(token.position, query);
    rotate(token.position, key);
    std::copy_n(key, size, token.cache->keys(layer, head) + place);
    std::copy_n(key + config_.dim, size, token.cache->values(layer, head) + place);
  }
}

// The shapes of these products depend on the token's position only, not on the batch.
void Attention::attend(const Token& token, std::size_t layer, const float* query, float* out) {
  const std::size_t size = config_.head_size(), seen = token.position + 1;
  const auto rows = static_cast<blasint>(seen), columns = static_cast<blasint>(size);
  const float scale = 1.0f / std::sqrt(static_cast<float>(size));
  for (std::size_t head = 0; head < config_.heads; ++head) {
    cblas_sgemv(CblasRowMajor, CblasNoTrans, rows, columns, scale, token.cache->keys(layer, head),
                columns, query + head * size, 1, 0.0f, scores_.data(), 1);
    softmax(scores_.data(), seen);
    cblas_sgemv(CblasRowMajor, CblasTrans, rows, columns, 1.0f, token.cache->values(layer, head),
                columns, scores_.data(), 1, 0.0f, out + head * size, 1);
  }
}

void Attention::rotate(std::size_t position, float* head) const {
  const std::size_t half = config_.head_size() / 2;
  const float* const cosine = &cos_[position * half];
  const float* const sine = &sin_[position * half];
  for (std::size_t i = 0; i < half; ++i) {
    const float low = head[i], high = head[half + i];
    head[i] = low * cosine[i] - high * sine[i];
    head[half + i] = high * cosine[i] + low * sine[i];
  }
}

}  // namespace moe_engine
