// What the bus tells of its costs before anything happens: the profile, as algorithms see it.
#pragma once

#include <tutti/transport.hpp>
#include <vector>

#include "transports/ub/bus/rank_port.hpp"

namespace tutti::ub {

class BusCosts final : public Costs {
 public:
  // Of the communicator whose rank `port` is; the port outlives it.
  explicit BusCosts(const RankPort& port);

  Path path(Rank from, Rank to) const noexcept override;
  double work_ns(const LocalWork& work) const noexcept override;
  double post_ns() const noexcept override;
  double issue_ns(std::size_t rows) const noexcept override;

 private:
  const RankPort& port_;
  std::vector<Path> hops_;  // [hop]
  std::size_t cores_ = 1;   // that start rows
  double row_ns_ = 0;
};

}  // namespace tutti::ub
