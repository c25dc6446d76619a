#include "topology/sharing.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace tutti {

HostShare host_share() { return {host_identity(), processor_share()}; }

double ranks_to_a_core(std::span<const HostShare> ranks) {
  std::map<HostIdentity, std::vector<ProcessorShare>> hosts;
  for (const HostShare& rank : ranks) hosts[rank.host].push_back(rank.processors);
  double sharing = 1;
  for (const auto& [host, shares] : hosts) {
    sharing = std::max(sharing, static_cast<double>(shares.size()) / processors_together(shares));
  }
  return sharing;
}

}  // namespace tutti
