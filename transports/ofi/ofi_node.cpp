#include "transports/ofi/ofi_node.hpp"

#include "transports/message/node_of_process.hpp"

namespace tutti::ofi {

namespace {

std::unique_ptr<packets::Node> make_node() {
  return std::make_unique<packets::Node>(open_fabric());
}

}  // namespace

packets::Node& node_of_this_process() {
  return message::NodeOfProcess<packets::Node, make_node>::get();
}

}  // namespace tutti::ofi
