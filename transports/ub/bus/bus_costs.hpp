// What the bus tells of its costs before anything happens: the profile, as algorithms see it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <tutti/transport.hpp>
#include <vector>

#include "transports/ub/bus/work_costs.hpp"
#include "transports/ub/model/topology.hpp"

namespace tutti::ub {

// How far the ranks of a communicator are apart.
class Distances {
 public:
  Distances() = default;
  // places[r]: where rank r of the communicator stands in the topology.
  Distances(const Topology& topology, std::span<const int> places);
  // What groups() of another one is.
  Distances(int ranks, std::vector<std::int64_t> groups) noexcept;

  // Index into Profile::hops.
  int hop(Rank from, Rank to) const noexcept;
  // [hop][rank]: equal where the hop suffices.
  std::span<const std::int64_t> groups() const noexcept { return groups_; }

 private:
  std::size_t ranks_ = 0;
  std::vector<std::int64_t> groups_;
};

// The same for all ranks of a simulation: values, which other processes can be given.
struct CostFacts {
  CostFacts() = default;
  CostFacts(const Topology& topology, const WorkCosts& work);

  WorkCosts work;
  std::array<Path, kHopClasses> hops{};
  std::uint64_t cores = 1;  // that start rows
  double row_ns = 0;
};

class BusCosts final : public Costs {
 public:
  // Of a communicator; its distances outlive this.
  BusCosts(const CostFacts& facts, const Distances& distances) noexcept
      : facts_(facts), distances_(distances) {}

  Path path(Rank from, Rank to) const noexcept override {
    return facts_.hops[static_cast<std::size_t>(distances_.hop(from, to))];
  }
  double work_ns(const LocalWork& work) const noexcept override;
  double post_ns(const Path& path) const noexcept override;
  double issue_ns(std::size_t rows) const noexcept override;

 private:
  const CostFacts facts_;
  const Distances& distances_;
};

}  // namespace tutti::ub
