// The requests of one rank: which of them are under way, and whose tokens a step has.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sequence.hpp"

namespace moe_engine {

class Schedule {
 public:
  static constexpr std::size_t kHalves = 2;  // microbatches of a step
  using Batches = std::array<std::vector<Token>*, kHalves>;
  using Logits = std::array<std::span<const float>, kHalves>;

  struct Limits {
    std::size_t step_tokens;  // of a microbatch
    std::size_t sequences;    // under way in each half
  };

  // Sees the logits of a request, in the order of its tokens.
  using Watch = std::function<void(std::size_t request, std::span<const float> logits)>;

  // `requests` and `config` must outlive this.
  Schedule(std::span<const Request* const> requests, const ModelConfig& config,
           const Limits& limits, Watch watch = nullptr);

  // The tokens of the next step: of every sequence of a half in turn, as many as it has to give and
  // there is room for. New requests begin where old ones have ended.
  void fill(const Batches& batches);

  // The logits of what fill() gave.
  void take(const Batches& batches, const Logits& logits);

  // What has become of the requests, in their order.
  const std::vector<Outcome>& outcomes() const { return outcomes_; }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  struct Active {
    std::size_t index;  // of the request
    std::unique_ptr<Sequence> sequence;
    std::size_t wanted = 0;  // tokens of this step that want logits
  };

  void admit();
  void retire(std::vector<Active>& half);

  std::span<const Request* const> requests_;
  const ModelConfig& config_;
  Limits limits_;
  Watch watch_;
  std::size_t begun_ = 0;  // requests
  std::array<std::vector<Active>, kHalves> halves_;
  std::vector<Outcome> outcomes_;
  std::vector<std::string> texts_;
};

}  // namespace moe_engine
