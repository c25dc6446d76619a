// One attempt to link this process to another: connects, and shows who it is. On the node's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/descriptor.hpp"
#include "bootstrap/listener.hpp"
#include "transports/tcp/handshake.hpp"
#include "transports/tcp/link.hpp"

namespace tutti::tcp {

// Owned by its pending handlers.
class Call : public std::enable_shared_from_this<Call> {
 public:
  // The socket of a connection on which both have shown who they are; or none, and why.
  struct Failure {
    Refusal refusal = Refusal::kNone;  // the listener's reason
    Link::End end = Link::End::kGone;  // the system's, or what a refusal comes to
    bool interrupted = false;          // it was connected, and closed or let wait without a word
    std::string text;
  };
  using Done = std::function<void(Descriptor socket, const Failure& why)>;

  Call(boost::asio::io_context& io, const SocketAddress& address, const NodeId& node,
       const Key& key, const Introduction& introduction, Done done);
  void start();

 private:
  void on_challenge();
  void on_verdict();
  void end(const boost::system::error_code& error);
  void refused(Refusal refusal);
  void end(Failure failure);

  boost::asio::ip::tcp::socket socket_;
  bool connected_ = false;
  boost::asio::steady_timer timer_;
  const SocketAddress address_;
  const NodeId node_;  // who is to be there
  ClientHandshake handshake_;
  Done done_;
  ChallengeBytes challenge_;
  VerdictBytes verdict_;
};

// What a connection between ranks is set to: no delays, and an end when the peer's host is silent.
void prepare_socket(int socket) noexcept;
// Before it is connected, or listens for those that are: how much it holds, where the system allows
// it to be so much.
void enlarge_buffers(int socket) noexcept;

}  // namespace tutti::tcp
