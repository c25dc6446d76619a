// What is asked of the engine, and what it answers.
#pragma once

#include <cstdint>
#include <string>

namespace moe_engine {

// Text is bytes: UTF-8 is up to who wrote it.
struct Request {
  std::string prompt;          // 1 to `context` bytes
  std::size_t new_tokens = 0;  // to write after it, as far as the context reaches
  std::string next;            // evaluation: after each byte of the prompt, what follows; or empty
  std::string expected;        // what should be written, at least to begin with; or empty
};

// Plain data: ranks gather it. The text that was written goes beside it.
struct Outcome {
  std::uint64_t digest = 0;  // of all logits, bit by bit
  double bits = 0;           // that `next` takes
  std::uint64_t written = 0;
};

}  // namespace moe_engine
