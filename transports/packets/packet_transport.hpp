// Ranks that reach each other by a network of reliable datagrams.
#pragma once

#include <memory>
#include <tutti/transport.hpp>

#include "transports/message/message_transport.hpp"
#include "transports/packets/endpoint.hpp"
#include "transports/packets/node.hpp"
#include "transports/packets/packet_costs.hpp"

namespace tutti::packets {

class PacketTransport : public message::MessageTransport {
 public:
  // Collective; see MessageTransport. All ranks use one network: tuttiMismatch that names those
  // that do not. `node` outlives it.
  PacketTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node);

  std::string_view name() const noexcept override { return node_.transport(); }
  const Costs* costs() const noexcept override { return &costs_; }
  void announce_memory(std::span<std::byte> memory) override { node_.regions().declare(memory); }
  void withdraw_memory(std::span<std::byte> memory) noexcept override {
    node_.regions().undeclare(memory);
  }
  using MessageTransport::open_control;
  std::unique_ptr<ControlWindow> open_control(const ControlSegment& segment,
                                              std::shared_ptr<std::byte> memory) override;

 private:
  PacketTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node,
                  const std::shared_ptr<Endpoint>& endpoint);

  Node& node_;
  message::MessageCosts costs_;  // from the hellos on
};

}  // namespace tutti::packets
