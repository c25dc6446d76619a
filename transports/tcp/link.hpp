// A connection to another process: frames as a stream of bytes.
#pragma once

#include <atomic>
#include <cstdint>
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

  // What it has received and sent, to be compared with what it had.
  struct Signs {
    std::uint64_t received = 0;        // bytes
    std::uint64_t sent = 0;            // bytes
    std::uint64_t unacknowledged = 0;  // of these
    bool has_backlog = false;          // more is to be sent

    // Does the other side live? It has sent something, or takes what is on its way; that all of it
    // has arrived is no sign, since anything in between may have taken it.
    bool moved_since(const Signs& then) const noexcept {
      if (received != then.received) return true;
      return has_backlog ? sent != then.sent
                         : unacknowledged > 0 && unacknowledged != then.unacknowledged;
    }
  };
  Signs signs() const noexcept;

 private:
  void write() override;
  void on_close() noexcept override;
  void want_to_write(bool want);
  std::string end_of_stream() const;
  static End end_of(int error) noexcept;

  Node& tcp_;
  Descriptor socket_;     // set before open_, closed by the destructor
  bool watched_ = false;  // the node is told when the socket takes more; under sending_
  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> sent_{0};
};

}  // namespace tutti::tcp
