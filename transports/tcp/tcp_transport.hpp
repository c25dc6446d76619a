// Ranks that reach each other by TCP only.
#pragma once

#include <memory>
#include <tutti/transport.hpp>

#include "transports/message/message_transport.hpp"
#include "transports/tcp/endpoint.hpp"
#include "transports/tcp/node.hpp"
#include "transports/tcp/tcp_costs.hpp"

namespace tutti::tcp {

class TcpTransport final : public message::MessageTransport {
 public:
  // Collective; see MessageTransport.
  TcpTransport(Bootstrap& bootstrap, Nanoseconds timeout);

  std::string_view name() const noexcept override { return "tcp"; }
  const Costs* costs() const noexcept override { return &costs_; }

 private:
  TcpTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node);
  TcpTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node,
               const std::shared_ptr<Endpoint>& endpoint);

  message::MessageCosts costs_;  // from the hellos on
};

}  // namespace tutti::tcp
