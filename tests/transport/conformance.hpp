// The fixture of the suite: a transport and a number of ranks, run as its kind says.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <tuple>

#include "tests/transport/transport_rank.hpp"

namespace tutti::test {

class TransportConformance : public testing::TestWithParam<std::tuple<TransportKind, int>> {
 protected:
  int ranks() const { return std::get<1>(GetParam()); }

  // Runs body(rank) on every rank at once, each with its own transport.
  void run(const std::function<void(TransportRank&)>& body) const {
    const TransportKind& kind = std::get<0>(GetParam());
    kind.run(ranks(), [&](std::unique_ptr<Bootstrap> bootstrap) {
      TransportRank rank(kind, std::move(bootstrap));
      body(rank);
      rank.meet();
    });
  }
};

}  // namespace tutti::test
