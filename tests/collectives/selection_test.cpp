// What the model chooses where a transport tells costs that no simulated fabric has.
#include "collectives/selection.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tutti::test {
namespace {

// Hosts of so many ranks that share memory, joined by thin links.
class HostsCosts final : public Costs {
 public:
  explicit HostsCosts(int ranks_per_host, double far_bytes_per_ns)
      : ranks_per_host_(ranks_per_host), far_bytes_per_ns_(far_bytes_per_ns) {}

  Path path(Rank from, Rank to) const noexcept override {
    const bool near = from / ranks_per_host_ == to / ranks_per_host_;
    const double latency_ns = near ? 55 : 50'000;
    const double bytes_per_ns = near ? 20 : far_bytes_per_ns_;
    return {.latency_ns = latency_ns,
            .bytes_per_ns = bytes_per_ns,
            .read_latency_ns = 2 * latency_ns,
            .read_bytes_per_ns = bytes_per_ns};
  }
  double work_ns(const LocalWork& work) const noexcept override {
    const bool moves = work.kind == LocalWork::Kind::kCopy || work.kind == LocalWork::Kind::kReduce;
    return moves ? static_cast<double>(work.bytes) / 10 : 100;
  }
  double post_ns(const Path&) const noexcept override { return 500; }
  double issue_ns(std::size_t rows) const noexcept override {
    return 1000 * static_cast<double>(rows);
  }

 private:
  int ranks_per_host_;
  double far_bytes_per_ns_;
};

Request all_reduce_of(std::size_t bytes, tuttiDataType_t type = tuttiFloat32) {
  return {.kind = OperationKind::kAllReduce, .count = bytes / size_of(type), .type = type};
}

std::string chosen(const Costs& costs, const Request& request) {
  const Selection selection({.ranks = 8,
                             .shared_words = false,
                             .direct = false,
                             .slot_bytes = std::size_t{512} << 10,
                             .costs = &costs},
                            std::nullopt);
  return name_of(selection.choose(request));
}

TEST(ModelOfHosts, AddsUpInEachHostWhereTheNetworkIsThin) {
  const HostsCosts costs(4, 0.03);
  EXPECT_EQ(chosen(costs, all_reduce_of(std::size_t{4} << 20)), "two_level:4");
  EXPECT_EQ(chosen(costs, all_reduce_of(std::size_t{64} << 20)), "two_level:4");
  EXPECT_EQ(chosen(costs, all_reduce_of(std::size_t{4} << 20, tuttiBfloat16)), "two_level:4");
}

TEST(ModelOfHosts, LeavesScaledSumsToOthers) {
  const HostsCosts costs(4, 0.03);
  Request request = all_reduce_of(std::size_t{4} << 20);
  request.reducer.scaled = true;
  EXPECT_EQ(chosen(costs, request), "two_shot");
}

// Partial sums of small floats travel as floats: types of one size need not be alike.
TEST(ModelOfHosts, PredictsMoreForSmallFloatsThanForWholeNumbers) {
  const HostsCosts costs(4, 0.03);
  const CostModel model(costs, 8, {.staging_bytes = std::size_t{512} << 10});
  const AlgorithmChoice choice{Algorithm::kTwoLevel, 4};
  const auto ns = [&](tuttiDataType_t type, tuttiRedOp_t op = tuttiSum) {
    Request request = all_reduce_of(std::size_t{4} << 20, type);
    request.reducer.op = op;
    return model.predict(choice, request);
  };
  EXPECT_GT(ns(tuttiFloat8e4m3), 1.5 * ns(tuttiInt8));
  EXPECT_LT(ns(tuttiFloat8e4m3, tuttiMax), 1.1 * ns(tuttiInt8));
}

// Small sums are about latency.
TEST(ModelOfHosts, ChoosesNoLevelsForWhatFitsInALine) {
  const HostsCosts costs(4, 0.03);
  EXPECT_EQ(chosen(costs, all_reduce_of(8)).find("two_level"), std::string::npos);
}

}  // namespace
}  // namespace tutti::test
