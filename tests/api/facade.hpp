// What the facade's tests share: ranks that are threads, and the code of what is thrown.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <tutti/tutti.hpp>

namespace tutti_test {

using tutti::Communicator;
using Values = std::vector<float>;

// Runs body(comm) for each of `nranks` ranks, each on a thread.
template <typename Body>
void on_ranks(int nranks, Body body) {
  std::vector<Communicator> comms = Communicator::all(nranks);
  std::vector<std::jthread> threads;
  threads.reserve(comms.size());
  for (Communicator& comm : comms) {
    threads.emplace_back([&comm, body] {
      try {
        body(comm);
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
    });
  }
}

// The code of the tutti::Error that `body` throws, or tuttiSuccess.
template <typename Body>
tuttiResult_t code_of(Body body) {
  try {
    body();
    return tuttiSuccess;
  } catch (const tutti::Error& error) {
    EXPECT_STRNE(error.what(), "");
    return error.code();
  }
}

}  // namespace tutti_test
