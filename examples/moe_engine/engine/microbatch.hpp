// Half of the tokens of a step: while those of one are on their way, the rank computes on the
// other's.
#pragma once

#include <vector>

#include "../language/attention.hpp"
#include "exchange.hpp"

namespace moe_engine {

struct Microbatch {
  Microbatch(tutti::MoeGroup& group, const Exchange::Shape& shape, std::size_t vocab,
             const Clock& clock)
      : hidden(shape.tokens * shape.dim),
        next(hidden.size()),
        shared(hidden.size()),
        logits(shape.tokens * vocab),
        exchange(group, shape, clock) {}

  std::vector<Token> tokens;
  Routing routing;
  std::vector<float> hidden;  // [tokens, dim]
  std::vector<float> next;    // what hidden becomes when the combine under way is over
  std::vector<float> shared;  // what the shared expert makes of the tokens
  std::vector<float> logits;  // [tokens that want logits, vocab]
  Exchange exchange;          // last: it ends first, and its stream uses the above
};

}  // namespace moe_engine
