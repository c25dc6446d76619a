// A rank's end of a connection: blocking reads and writes with a deadline.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "base/descriptor.hpp"
#include "bootstrap/socket_address.hpp"

namespace tutti {

// A non-blocking, close-on-exec stream socket.
class Socket {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  enum class Outcome { kDone, kClosed, kTimeout };

  Socket() = default;
  explicit Socket(Descriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}

  // All of the bytes, unless the other side closes (kClosed, also for a reset) or the deadline
  // passes.
  Outcome send(std::span<const std::byte> bytes, Deadline deadline);
  Outcome receive(std::span<std::byte> bytes, Deadline deadline);
  // This end of it.
  SocketAddress local_end() const noexcept { return local_end_of(descriptor_.get()); }

 private:
  Descriptor descriptor_;
};

// The outcome of one attempt to connect; `error` is errno when there is no socket (ETIMEDOUT after
// the deadline).
struct Connected {
  std::optional<Socket> socket;
  int error = 0;
};
Connected connect_to(const SocketAddress& address, Socket::Deadline deadline);

}  // namespace tutti
