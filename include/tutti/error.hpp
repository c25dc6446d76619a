// tutti::Error: what the C++ facade throws, and what transports and the library's inside throw too.
#pragma once

#include <tutti/tutti.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tutti {

// A failure: its code, the sentence for people, and the ranks that caused it (ascending; empty when
// it is local). The message is complete in itself and names the culprits.
class Error : public std::runtime_error {
 public:
  Error(tuttiResult_t code, const std::string& message, std::vector<int> culprits = {})
      : std::runtime_error(message), code_(code), culprits_(std::move(culprits)) {}

  tuttiResult_t code() const noexcept { return code_; }
  const std::vector<int>& culprits() const noexcept { return culprits_; }

 private:
  tuttiResult_t code_;
  std::vector<int> culprits_;
};

}  // namespace tutti
