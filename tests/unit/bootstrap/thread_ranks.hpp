// Ranks as threads of a test, and the errors they ended with.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <tutti/error.hpp>
#include <vector>

namespace tutti::test {

// How long ranks that should meet wait for each other.
constexpr std::chrono::nanoseconds kPatience = std::chrono::minutes(1);

// Runs body(rank) for ranks [0, ranks) at once; what each threw, if anything.
template <typename Body>
std::vector<std::optional<Error>> run_ranks(int ranks, Body body) {
  std::vector<std::optional<Error>> errors(static_cast<std::size_t>(ranks));
  {
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(ranks));
    for (int rank = 0; rank < ranks; ++rank) {
      threads.emplace_back([&, rank] {
        auto& error = errors[static_cast<std::size_t>(rank)];
        try {
          body(rank);
        } catch (const Error& thrown) {
          error = thrown;
        } catch (const std::exception& thrown) {
          error = Error(tuttiInternalError, std::string("not a tutti::Error: ") + thrown.what());
        }
      });
    }
  }
  return errors;
}

// What body() threw; tuttiSuccess for nothing.
inline Error error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return {tuttiSuccess, "nothing was thrown"};
}

inline bool says(const Error& error, const std::string& words) {
  return std::string(error.what()).find(words) != std::string::npos;
}

}  // namespace tutti::test
