// A connection to another process: frames as a stream of bytes.
#pragma once

#include <atomic>
#include <string>

#include "base/descriptor.hpp"
#include "transports/message/link.hpp"
#include "transports/tcp/handshake.hpp"

namespace tutti::tcp {

class Node;

class Link final : public message::Link {
 public:
  // `node` outlives it.
  Link(Node& node, const NodeId& remote);

  int socket() const noexcept { return socket_.get(); }
  // The connection has been made. Once.
  void open(Descriptor socket);
  bool receive() override;

 private:
  void write() override;
  void on_close() noexcept override;
  void want_to_write(bool want);
  std::string end_of_stream() const;
  static End end_of(int error) noexcept;

  Node& tcp_;
  Descriptor socket_;     // set before open_, closed by the destructor
  bool watched_ = false;  // the node is told when the socket takes more; under sending_
};

}  // namespace tutti::tcp
