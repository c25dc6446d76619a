// The routing of every rank, made once for all ranks of this process that ask for it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "perf/common/routing.hpp"

namespace tutti::perf {

class Routings {
 public:
  using All = std::shared_ptr<const std::vector<Routing>>;  // [rank]

  // All who ask give the same arguments. From any thread.
  All all(const RoutingSpec& spec, const RoutingSize& size, std::uint64_t seed, int ranks) {
    const std::lock_guard lock(mutex_);
    if (all_ != nullptr) return all_;
    auto made = std::make_shared<std::vector<Routing>>();
    made->reserve(static_cast<std::size_t>(ranks));
    for (int rank = 0; rank < ranks; ++rank) {
      made->push_back(make_routing(spec, size, seed, rank));
    }
    return all_ = made;
  }

 private:
  std::mutex mutex_;
  All all_;
};

}  // namespace tutti::perf
