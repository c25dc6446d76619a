// Ranks that reach each other by TCP only.
#pragma once

#include <memory>
#include <tutti/transport.hpp>
#include <vector>

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

 protected:
  // Rank 0, and, from the first rank of each host, that of the next: so every host is known to be
  // reached, and to reach another, before the first operation.
  std::vector<Rank> first_peers() const override;

 private:
  TcpTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node);
  TcpTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node,
               const std::shared_ptr<Endpoint>& endpoint);

  std::vector<SocketAddress> addresses_;  // of each rank; from the hellos on, as costs_
  message::MessageCosts costs_;
};

}  // namespace tutti::tcp
