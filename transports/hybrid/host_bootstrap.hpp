// The ranks of this host as a group that meets, by what all ranks of a communicator meet by: every
// host's group is in the same round.
#pragma once

#include <algorithm>

#include "bootstrap/bootstrap.hpp"
#include "transports/hybrid/hosts.hpp"

namespace tutti::hybrid {

class HostBootstrap final : public Bootstrap {
 public:
  // Both outlive it.
  HostBootstrap(Bootstrap& everybody, const Hosts& hosts)
      : everybody_(everybody), hosts_(hosts), host_(hosts.host_of(everybody.rank())) {}

  Rank rank() const noexcept override { return hosts_.place_of(everybody_.rank()); }
  int ranks() const noexcept override { return static_cast<int>(hosts_.ranks_on(host_).size()); }
  Rank name_of(Rank rank) const noexcept override {
    return hosts_.ranks_on(host_)[static_cast<std::size_t>(rank)];
  }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    check_all_gather(*this, mine, all);
    std::vector<std::byte> everything(static_cast<std::size_t>(everybody_.ranks()) * mine.size());
    everybody_.all_gather(mine, everything);
    auto to = all.begin();
    for (const Rank rank : hosts_.ranks_on(host_)) {
      const auto from =
          std::span(everything).subspan(static_cast<std::size_t>(rank) * mine.size(), mine.size());
      to = std::copy(from.begin(), from.end(), to);
    }
  }

 private:
  Bootstrap& everybody_;
  const Hosts& hosts_;
  const int host_;
};

}  // namespace tutti::hybrid
