#include "transports/hybrid/hosts.hpp"

#include <map>
#include <utility>

#include "base/environment.hpp"
#include "topology/host_identity.hpp"

namespace tutti::hybrid {

void Hosts::add(int host) {
  if (host == count()) ranks_on_.emplace_back();
  auto& there = ranks_on_[static_cast<std::size_t>(host)];
  place_of_.push_back(static_cast<Rank>(there.size()));
  there.push_back(ranks());
  host_of_.push_back(host);
}

Hosts::Hosts(std::span<const int> host_of) {
  std::map<int, int> numbers;
  for (const int host : host_of) add(numbers.try_emplace(host, count()).first->second);
}

Hosts::Hosts(Bootstrap& bootstrap) {
  struct Place {
    HostIdentity host;
    int part = 0;  // of what would be one host
    auto operator<=>(const Place&) const = default;
  };
  const auto together =
      static_cast<int>(env_int("TUTTI_RANKS_PER_HOST", bootstrap.ranks(), 1, 1 << 16));
  const std::vector<Place> places =
      all_gather_value(bootstrap, Place{host_identity(), bootstrap.rank() / together});
  std::map<Place, int> numbers;
  for (const Place& place : places) add(numbers.try_emplace(place, count()).first->second);
}

}  // namespace tutti::hybrid
