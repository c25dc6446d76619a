// Ranks that reach each other by libfabric.
#pragma once

#include <memory>
#include <tutti/transport.hpp>

#include "transports/message/message_transport.hpp"
#include "transports/ofi/endpoint.hpp"
#include "transports/ofi/node.hpp"
#include "transports/ofi/ofi_costs.hpp"

namespace tutti::ofi {

class OfiTransport : public message::MessageTransport {
 public:
  // Collective; see MessageTransport. All ranks use one provider: tuttiMismatch that names those
  // that do not.
  OfiTransport(Bootstrap& bootstrap, Nanoseconds timeout)
      : OfiTransport(bootstrap, timeout, Node::of_this_process()) {}
  // On a network of its own; `node` outlives it.
  OfiTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node);

  // Can this process open it? Throws what open_fabric() throws.
  static void check_caller() { static_cast<void>(Node::of_this_process()); }

  std::string_view name() const noexcept override { return "ofi"; }
  const Costs* costs() const noexcept override { return &costs_; }

 private:
  OfiTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node,
               const std::shared_ptr<Endpoint>& endpoint);

  message::MessageCosts costs_;  // from the hellos on
};

}  // namespace tutti::ofi
