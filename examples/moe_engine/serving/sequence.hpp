// A request under way: what has been read and written of it, and its keys and values.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "../language/attention.hpp"
#include "request.hpp"

namespace moe_engine {

class Sequence {
 public:
  // `request` must outlive this.
  Sequence(const Request& request, const ModelConfig& config);

  // Adds up to `room` tokens that the model has not seen to `batch`; the last one of what is known
  // wants logits, and all of an evaluation do.
  void feed(std::size_t room, std::vector<Token>& batch);

  // Nothing is left to read or write.
  bool ended() const { return ended_ || fed_ == text_.size(); }

  // The logits of a token that was fed and wants them, in ascending order of tokens. Takes the most
  // probable byte as the next one where a new one is due.
  void accept(std::span<const float> logits);

  const Outcome& outcome() const { return outcome_; }
  std::string_view written() const {
    return std::string_view(text_).substr(request_.prompt.size());
  }

 private:
  const Request& request_;
  std::size_t context_;
  std::string text_;
  std::size_t fed_ = 0;     // bytes of text_ that the model has seen
  std::size_t scored_ = 0;  // bytes of `next`
  bool ended_ = false;
  KvCache cache_;
  Outcome outcome_;
};

}  // namespace moe_engine
