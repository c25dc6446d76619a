#include "schedule.hpp"

#include <algorithm>

namespace moe_engine {

Schedule::Schedule(std::span<const Request* const> requests, const ModelConfig& config,
                   const Limits& limits, Watch watch)
    : requests_(requests),
      config_(config),
      limits_(limits),
      watch_(std::move(watch)),
      outcomes_(requests.size()),
      texts_(requests.size()) {}

void Schedule::admit() {
  const auto shorter = [](const auto& a, const auto& b) { return a.size() < b.size(); };
  for (; begun_ < requests_.size(); ++begun_) {
    auto& half = *std::min_element(halves_.begin(), halves_.end(), shorter);
    if (half.size() == limits_.sequences) return;
    half.push_back({begun_, std::make_unique<Sequence>(*requests_[begun_], config_)});
  }
}

void Schedule::fill(const Batches& batches) {
  admit();
  for (std::size_t h = 0; h < kHalves; ++h) {
    std::vector<Token>& batch = *batches[h];
    batch.clear();
    for (Active& active : halves_[h]) {
      const std::size_t before = batch.size();
      active.sequence->feed(limits_.step_tokens - before, batch);
      active.wanted = static_cast<std::size_t>(
          std::count_if(batch.begin() + static_cast<std::ptrdiff_t>(before), batch.end(),
                        [](const Token& token) { return token.wants_logits; }));
    }
  }
}

void Schedule::take(const Batches& batches, const Logits& logits) {
  for (std::size_t h = 0; h < kHalves; ++h) {
    if (batches[h]->empty()) continue;
    const std::size_t vocab = config_.vocab;
    std::size_t row = 0;
    for (Active& active : halves_[h]) {
      for (; active.wanted > 0; --active.wanted, ++row) {
        const auto of_token = logits[h].subspan(row * vocab, vocab);
        if (watch_) watch_(active.index, of_token);
        active.sequence->accept(of_token);
      }
    }
    retire(halves_[h]);
  }
}

void Schedule::retire(std::vector<Active>& half) {
  std::erase_if(half, [&](const Active& active) {
    if (!active.sequence->ended()) return false;
    outcomes_[active.index] = active.sequence->outcome();
    texts_[active.index] = active.sequence->written();
    return true;
  });
}

}  // namespace moe_engine
