// Messages that say who sent them and which one they are, so that whoever receives them knows
// whether all came, once, and unchanged.
#pragma once

#include <cstdint>
#include <set>
#include <utility>

#include "endpoint.hpp"

namespace tutti::plugin_check {

struct Label {
  std::uint32_t sender = 0;
  std::uint32_t number = 0;
  auto operator<=>(const Label&) const = default;
};

// Its length, at most `most`, follows from its label; so do its bytes.
Bytes labelled(const Label& label, std::size_t most);

// What has come of messages of `most` bytes.
class Arrivals {
 public:
  explicit Arrivals(std::size_t most) : most_(most) {}
  // Lends places to the endpoint for what it has taken. Failed: a message that nobody sent so, or
  // that has come before.
  void take_from(Endpoint& endpoint);
  std::size_t count() const { return seen_.size(); }

 private:
  const std::size_t most_;
  std::set<Label> seen_;
};

// Drives both until all `count` have come, and every end of their sending.
void await_all(Endpoint& sender, Endpoint& receiver, Arrivals& arrivals, std::size_t count);

}  // namespace tutti::plugin_check
