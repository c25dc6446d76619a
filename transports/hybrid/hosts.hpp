// Which ranks of a communicator share a host.
#pragma once

#include <span>
#include <tutti/transport.hpp>
#include <vector>

#include "bootstrap/bootstrap.hpp"

namespace tutti::hybrid {

class Hosts {
 public:
  // Collective: by host_identity(), and TUTTI_RANKS_PER_HOST.
  explicit Hosts(Bootstrap& bootstrap);
  // `host_of[r]`: any number that says on which host rank r is; for tests.
  explicit Hosts(std::span<const int> host_of);

  int ranks() const noexcept { return static_cast<int>(host_of_.size()); }
  // Hosts are numbered as their first ranks are.
  int count() const noexcept { return static_cast<int>(ranks_on_.size()); }
  int host_of(Rank rank) const noexcept { return host_of_[index(rank)]; }
  bool share(Rank a, Rank b) const noexcept { return host_of(a) == host_of(b); }
  // In order.
  std::span<const Rank> ranks_on(int host) const noexcept {
    return ranks_on_[static_cast<std::size_t>(host)];
  }
  // The number of a rank among those of its host.
  Rank place_of(Rank rank) const noexcept { return place_of_[index(rank)]; }

 private:
  static std::size_t index(Rank rank) noexcept { return static_cast<std::size_t>(rank); }
  void add(int host);

  std::vector<int> host_of_;
  std::vector<Rank> place_of_;
  std::vector<std::vector<Rank>> ranks_on_;
};

}  // namespace tutti::hybrid
