// In place of libfabric, where this library was built without.
#include "base/error.hpp"
#include "transports/ofi/fabric_search.hpp"
#include "transports/ofi/ofi_node.hpp"

namespace tutti::ofi {

std::unique_ptr<packets::Fabric> open_fabric() {
  fail(tuttiInvalidArgument,
       "transport \"ofi\" is not in this build: it was made without libfabric (TUTTI_OFI)");
}

FabricSearch search_fabric() { return {.why_not = "this build was made without libfabric"}; }

}  // namespace tutti::ofi
