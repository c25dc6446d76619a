// Where other processes come in: accepts connections, and makes links of those whose handshake ends
// well. Strangers get little: 2 s, the bytes of a handshake, and 64 places, of all together; when
// these are taken, whoever has been silent for longest has to go. On the node's thread.
#pragma once

#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>

#include "base/descriptor.hpp"
#include "bootstrap/listener.hpp"
#include "transports/tcp/handshake.hpp"

namespace tutti::tcp {

class Door {
 public:
  class Host {
   public:
    // The key of the communicator that the visitor names; none, and why not, if it is not let in
    // whatever it knows.
    virtual std::optional<Key> key_for(const Introduction& said, Refusal& refusal) = 0;
    // It has shown that it knows the key. kNone: welcome() follows, or dismiss().
    virtual Refusal admit(const Introduction& said) = 0;
    virtual void dismiss(const Introduction& said) noexcept = 0;
    virtual void welcome(const Introduction& said, Descriptor socket) = 0;
    virtual const NodeId& id() const noexcept = 0;

   protected:
    ~Host() = default;
  };

  // `io` and `host` outlive it.
  Door(boost::asio::io_context& io, Host& host, Listener listener);

  const SocketAddress& address() const noexcept { return address_; }
  // From now on, on the thread of `io`.
  void open();
  // In a forked child, which has a copy that nobody uses.
  void close_inherited() noexcept { ::close(acceptor_.native_handle()); }

 private:
  class Visit;
  static constexpr std::size_t kMostVisits = 64;

  boost::asio::ip::tcp protocol() const;
  void accept_when_ready();
  void accept_all();
  void accept_after(std::chrono::milliseconds pause);
  // False: everybody has said something, or just come.
  bool make_room();
  void end(const std::shared_ptr<Visit>& visit, Refusal refusal);

  boost::asio::io_context& io_;
  Host& host_;
  const SocketAddress address_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  bool accepting_ = false;
  std::list<std::shared_ptr<Visit>> visits_;        // the oldest first
  std::array<std::uint64_t, kRefusals> refused_{};  // how many, by why
};

}  // namespace tutti::tcp
