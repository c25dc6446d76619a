// A communicator whose ranks are threads of the test.
#pragma once

#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tutti::test {

// Sets an environment variable while it lives; communicators read it when they are made.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~ScopedVariable() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

// Runs body(rank) in a thread for each rank; returns when all are done.
inline void on_ranks(int ranks, const std::function<void(int)>& body) {
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&body, rank] {
      SCOPED_TRACE("rank " + std::to_string(rank));
      body(rank);
    });
  }
}

class ThreadWorld {
 public:
  explicit ThreadWorld(int ranks) : comms_(static_cast<std::size_t>(ranks)) {
    EXPECT_EQ(tuttiCommInitAll(comms_.data(), ranks), tuttiSuccess) << tuttiGetLastError(nullptr);
  }
  ~ThreadWorld() {
    for (tuttiComm_t comm : comms_) EXPECT_EQ(tuttiCommDestroy(comm), tuttiSuccess);
  }
  ThreadWorld(const ThreadWorld&) = delete;
  ThreadWorld& operator=(const ThreadWorld&) = delete;

  int ranks() const { return static_cast<int>(comms_.size()); }
  tuttiComm_t operator[](int rank) const { return comms_[static_cast<std::size_t>(rank)]; }
  // The test ends this rank's communicator itself.
  tuttiComm_t take(int rank) {
    return std::exchange(comms_[static_cast<std::size_t>(rank)], nullptr);
  }

  // Runs body(rank, comm) in a thread for each rank; returns when all are done.
  void run(const std::function<void(int, tuttiComm_t)>& body) const {
    on_ranks(ranks(), [&](int rank) { body(rank, (*this)[rank]); });
  }

 private:
  std::vector<tuttiComm_t> comms_;
};

inline void expect_ok(tuttiResult_t result, tuttiComm_t comm) {
  EXPECT_EQ(result, tuttiSuccess) << tuttiGetLastError(comm);
}

}  // namespace tutti::test
