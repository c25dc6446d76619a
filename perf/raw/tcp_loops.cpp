// What two processes can do with one TCP connection over loopback and nothing else: send, receive,
// and look again without ever blocking.
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "base/descriptor.hpp"
#include "perf/raw/loops.hpp"

namespace tutti::raw {

namespace {

// A small message as tutti sends one: a frame's header and a line.
constexpr std::size_t kSmallBytes = 88;

[[noreturn]] void fail_socket(const char* what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

// Connected at the first use; the loops of both sides share it.
class Connection {
 public:
  explicit Connection(int buffer_bytes) : buffer_bytes_(buffer_bytes) {}

  int of(Side& side) {
    if (!socket_) connect(side);
    return socket_.get();
  }

 private:
  void connect(Side& side) {
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) fail_socket("socket");
    if (buffer_bytes_ > 0) {
      ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &buffer_bytes_, sizeof(buffer_bytes_));
      ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &buffer_bytes_, sizeof(buffer_bytes_));
    }
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(name);
    auto* const address = reinterpret_cast<sockaddr*>(&name);
    if (side.rank() == 0) {
      if (::bind(socket.get(), address, size) != 0 || ::listen(socket.get(), 1) != 0 ||
          ::getsockname(socket.get(), address, &size) != 0) {
        fail_socket("listening on loopback");
      }
      side.exchange(name.sin_port);
      socket_ = Descriptor(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!socket_) fail_socket("accept");
    } else {
      name.sin_port = static_cast<in_port_t>(side.exchange());
      if (::connect(socket.get(), address, size) != 0) fail_socket("connect");
      socket_ = std::move(socket);
    }
    const int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    // One that paces, as bbr does, is slower without a network.
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_CONGESTION, "reno", std::strlen("reno"));
  }

  const int buffer_bytes_;
  Descriptor socket_;
};

// Bytes that went at once; 0: none can go now.
std::size_t went(ssize_t result) {
  if (result > 0) return static_cast<std::size_t>(result);
  if (result < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  fail_socket("the other side's connection");
}

void send_all(int socket, const std::byte* from, std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t some = went(::send(socket, from, bytes, MSG_DONTWAIT | MSG_NOSIGNAL));
    from += some;
    bytes -= some;
  }
}

void receive_all(int socket, std::byte* to, std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t some = went(::recv(socket, to, bytes, MSG_DONTWAIT));
    to += some;
    bytes -= some;
  }
}

// Both ways at once, in turns of at most `turn`.
void exchange_all(int socket, Side& side, std::size_t bytes, std::size_t turn) {
  std::size_t sent = 0, received = 0;
  while (sent < bytes || received < bytes) {
    if (sent < bytes) {
      sent += went(::send(socket, side.mine().in + sent, std::min(turn, bytes - sent),
                          MSG_DONTWAIT | MSG_NOSIGNAL));
    }
    if (received < bytes) {
      received += went(::recv(socket, side.mine().out + received, std::min(turn, bytes - received),
                              MSG_DONTWAIT));
    }
  }
}

}  // namespace

std::vector<Loop> tcp_loops() {
  const auto plain = std::make_shared<Connection>(0);
  const auto large = std::make_shared<Connection>(2'000'000);
  std::vector<Loop> loops;
  loops.push_back({"tcp_round_trip", "send and recv without blocking", kSmallBytes,
                   [plain](Side& side, std::size_t iterations) {
                     const int socket = plain->of(side);
                     for (std::size_t i = 0; i < iterations; ++i) {
                       for (const int sender : {0, 1}) {
                         if (side.rank() == sender) {
                           send_all(socket, side.mine().in, kSmallBytes);
                         } else {
                           receive_all(socket, side.mine().out, kSmallBytes);
                         }
                       }
                     }
                   }});
  for (std::size_t bytes = 64; bytes <= (std::size_t{4} << 20); bytes *= 4) {
    constexpr std::size_t kTurn = std::size_t{128} << 10;
    loops.push_back({"tcp_exchange", "turns of 128 KiB, buffers of 2 MB", bytes,
                     [large, bytes](Side& side, std::size_t iterations) {
                       const int socket = large->of(side);
                       for (std::size_t i = 0; i < iterations; ++i) {
                         exchange_all(socket, side, bytes, kTurn);
                       }
                     }});
    loops.push_back({"tcp_exchange", "all at once, the kernel's buffers", bytes,
                     [plain, bytes](Side& side, std::size_t iterations) {
                       const int socket = plain->of(side);
                       for (std::size_t i = 0; i < iterations; ++i) {
                         exchange_all(socket, side, bytes, bytes);
                       }
                     }});
  }
  return loops;
}

}  // namespace tutti::raw
