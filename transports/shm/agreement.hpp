// A local step of a collective set-up: what goes wrong on one rank becomes the same error on all,
// so that none waits for a rank that gave up.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "bootstrap/bootstrap.hpp"

namespace tutti::shm {

class Agreement {
 public:
  Agreement(Bootstrap& bootstrap, const char* step) : bootstrap_(bootstrap), step_(step) {}

  template <typename Step>
  void attempt(Step&& step) {
    try {
      std::forward<Step>(step)();
    } catch (const Error& error) {
      outcome_.code = error.code();
      const std::string_view text = error.what();
      std::memcpy(outcome_.text.data(), text.data(),
                  std::min(text.size(), outcome_.text.size() - 1));
    }
  }
  bool good() const noexcept { return outcome_.code == tuttiSuccess; }

  // Collective. Throws the error of the lowest rank that failed.
  void conclude() {
    const auto outcomes = all_gather_value(bootstrap_, outcome_);
    for (Rank rank = 0; rank < bootstrap_.ranks(); ++rank) {
      const Outcome& outcome = outcomes[static_cast<std::size_t>(rank)];
      if (outcome.code == tuttiSuccess) continue;
      throw Error(static_cast<tuttiResult_t>(outcome.code),
                  fmt::format("rank {} failed at {}: {}", bootstrap_.name_of(rank), step_,
                              outcome.text.data()),
                  {bootstrap_.name_of(rank)});
    }
  }

 private:
  struct Outcome {
    std::int32_t code = tuttiSuccess;
    std::array<char, 252> text{};
  };
  Bootstrap& bootstrap_;
  const char* step_;
  Outcome outcome_;
};

}  // namespace tutti::shm
