// What a rank's own work costs at its usual pace, from the software fields of the profile.
#pragma once

#include <tutti/transport.hpp>

#include "transports/ub/model/rate.hpp"
#include "transports/ub/model/topology.hpp"

namespace tutti::ub {

// A rank that is a package has the cores and the memory of all its dies. Every sum is in whole
// picoseconds, each part of it rounded up, and stays at kLongestTime where it would exceed that.
class WorkCosts {
 public:
  WorkCosts() = default;  // free
  explicit WorkCosts(const Topology& topology);

  // The profile has no software: everything takes no time.
  bool free() const noexcept { return free_; }

  Picoseconds of(const LocalWork& work) const;
  // What a flag adds to a loop that raises one after another, which the cores share.
  Picoseconds flag() const noexcept { return flag_; }
  // A look by a core that finds nothing.
  Picoseconds poll() const noexcept { return poll_; }

 private:
  // The most that one of the cores has of `count` equal pieces.
  std::int64_t rounds(std::size_t count) const;
  std::int64_t scan_stages(std::size_t count) const;

  bool free_ = true;
  std::int64_t cores_ = 1;
  Picoseconds entry_{};
  Picoseconds sync_{};
  Picoseconds flag_{};
  Picoseconds count_{};
  Picoseconds poll_{};
  Rate load_;
  Rate quantise_;
  Rate copy_;
  Rate reduce_;
};

}  // namespace tutti::ub
