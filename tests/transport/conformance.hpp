// The fixture of the suite: a transport and a number of ranks, which are threads.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <tuple>

#include "bootstrap/local_group.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/transport/transport_rank.hpp"

namespace tutti::test {

class TransportConformance : public testing::TestWithParam<std::tuple<TransportKind, int>> {
 protected:
  int ranks() const { return std::get<1>(GetParam()); }

  // Runs body(rank) on every rank at once, each with its own transport.
  void run(const std::function<void(TransportRank&)>& body) const {
    LocalGroup group(ranks(), TransportRank::kDeadline);
    on_ranks(ranks(), [&](int number) {
      try {
        TransportRank rank(std::get<0>(GetParam()), group.bootstrap(number));
        body(rank);
        rank.meet();
      } catch (const std::exception& error) {
        ADD_FAILURE() << "rank " << number << ": " << error.what();
      }
    });
  }
};

}  // namespace tutti::test
