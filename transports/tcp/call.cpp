#include "transports/tcp/call.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <utility>

namespace tutti::tcp {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kCallTime{10};
// A host that acknowledges nothing for this long is unreachable.
constexpr unsigned kSilenceMs = 1500;

asio::ip::tcp::endpoint endpoint_of(const SocketAddress& address) {
  if (address.family == 6) {
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), address.bytes.data(), bytes.size());
    return {asio::ip::address_v6(bytes), address.port};
  }
  asio::ip::address_v4::bytes_type bytes;
  std::memcpy(bytes.data(), address.bytes.data(), bytes.size());
  return {asio::ip::address_v4(bytes), address.port};
}

bool is_on_loopback(int socket) noexcept { return is_loopback(local_end_of(socket)); }

// A congestion control that paces, as bbr does, paces loopback too, and lets what is on its way
// grow out of the caches: 4 MiB each way at once by bare sockets, us: 2700 by bbr, 1600 by cubic,
// 1400 by reno, which every Linux has and allows.
constexpr char kCongestionControl[] = "reno";

}  // namespace

// What an option does not do is slower or later, not wrong. On loopback nothing is lost but what
// the kernel drops when thousands of connections are probed at once, and the end of a process is
// told.
void prepare_socket(int socket) noexcept {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (is_on_loopback(socket)) {
    ::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, kCongestionControl,
                 sizeof(kCongestionControl) - 1);
    return;
  }
  const int idle_s = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &idle_s, sizeof(idle_s));
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &kSilenceMs, sizeof(kSilenceMs));
}

// See kMostAtOnce in link.cpp. A buffer that is set no longer grows by itself: below this size that
// would be a loss.
void enlarge_buffers(int socket) noexcept {
  constexpr int kBufferBytes = 2'000'000;
  const auto allowed = [](const char* path) {
    long bytes = 0;
    std::ifstream(path) >> bytes;
    return bytes >= kBufferBytes;
  };
  static const bool can_receive = allowed("/proc/sys/net/core/rmem_max");
  static const bool can_send = allowed("/proc/sys/net/core/wmem_max");
  if (can_receive) {
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof(kBufferBytes));
  }
  if (can_send) ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof(kBufferBytes));
}

Call::Call(asio::io_context& io, const SocketAddress& address, const NodeId& node, const Key& key,
           const Introduction& introduction, Done done)
    : socket_(io),
      timer_(io),
      address_(address),
      node_(node),
      handshake_(key, introduction),
      done_(std::move(done)) {}

void Call::start() {
  const bool v6 = address_.family == 6;
  const int fd = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return end(
        {.end = Link::End::kBroken, .text = fmt::format("no socket: {}", std::strerror(errno))});
  }
  enlarge_buffers(fd);
  socket_.assign(v6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), fd);
  timer_.expires_after(kCallTime);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (error) return;
    self->end({.end = Link::End::kUnreachable,
               .interrupted = self->connected_,
               .text = "no answer to the handshake in time"});
  });
  socket_.async_connect(endpoint_of(address_), [self = shared_from_this()](error_code error) {
    if (error) return self->end(error);
    self->connected_ = true;
    prepare_socket(self->socket_.native_handle());
    asio::async_write(self->socket_, asio::buffer(self->handshake_.hello()),
                      [self](error_code written, std::size_t) {
                        if (written) return self->end(written);
                        asio::async_read(self->socket_, asio::buffer(self->challenge_),
                                         [self](error_code read, std::size_t) {
                                           read ? self->end(read) : self->on_challenge();
                                         });
                      });
  });
}

void Call::on_challenge() {
  const Refusal refusal = handshake_.take(challenge_);
  if (refusal != Refusal::kNone) return refused(refusal);
  if (handshake_.node() != node_) {
    return end({.end = Link::End::kGone, .text = "another process listens there"});
  }
  asio::async_write(socket_, asio::buffer(handshake_.proof()),
                    [self = shared_from_this()](error_code error, std::size_t) {
                      if (error) return self->end(error);
                      asio::async_read(self->socket_, asio::buffer(self->verdict_),
                                       [self](error_code read, std::size_t) {
                                         read ? self->end(read) : self->on_verdict();
                                       });
                    });
}

void Call::on_verdict() {
  const Refusal refusal = parse_verdict(verdict_);
  if (refusal != Refusal::kNone) return refused(refusal);
  if (!done_) return;
  timer_.cancel();
  std::exchange(done_, nullptr)(Descriptor(socket_.release()), Failure{});
}

void Call::end(const error_code& error) {
  // Who closes at once may have done so before this end has seen that it was connected: a reset,
  // too, says that somebody listens there.
  const bool interrupted = error == asio::error::connection_reset || error == asio::error::eof ||
                           error == asio::error::broken_pipe;
  const bool gone = interrupted || error == asio::error::connection_refused;
  end({.end = gone ? Link::End::kGone : Link::End::kUnreachable,
       .interrupted = interrupted,
       .text = error.message()});
}

void Call::refused(Refusal refusal) {
  // All ranks are ready before any connects: whose communicator is not known there has been left.
  const bool given_up = refusal == Refusal::kGone || refusal == Refusal::kStranger;
  const auto how = given_up ? Link::End::kUnreachable : Link::End::kBroken;
  end({.refusal = refusal, .end = how, .text = std::string(describe(refusal))});
}

void Call::end(Failure failure) {
  if (!done_) return;
  error_code ignored;
  timer_.cancel();
  socket_.close(ignored);
  failure.text = fmt::format("{}: {}", to_string(address_), failure.text);
  std::exchange(done_, nullptr)(Descriptor(), failure);
}

}  // namespace tutti::tcp
