// How many ranks share a core, where they are on several hosts.
#pragma once

#include <span>

#include "topology/host_identity.hpp"
#include "topology/processors.hpp"

namespace tutti {

// Where a rank is and what it may use there. Plain bytes, which ranks send each other.
struct HostShare {
  HostIdentity host;
  ProcessorShare processors;
};

// The calling thread's.
HostShare host_share();

// On the host where it is most: ranks by processors that are there for them. At least 1.
double ranks_to_a_core(std::span<const HostShare> ranks);

}  // namespace tutti
