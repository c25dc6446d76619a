// A TCP proxy before a port of this host, which does to the bytes what networks, and what stands in
// them, may do: late, in pieces, not all of them, or none any more. It knows nothing of what the
// bytes mean. One thread moves all connections.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <memory>
#include <thread>

#include "base/descriptor.hpp"
#include "bootstrap/listener.hpp"

namespace tutti::test {

class TcpProxy {
 public:
  enum class End : std::uint8_t {
    kClose,    // both ends see the other close (FIN)
    kReset,    // both ends see a reset (RST)
    kSilence,  // this way nothing goes on any more; it is taken, acknowledged and dropped
    kGarble    // this way every bit of what follows is inverted
  };
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  // What happens to the bytes that go one way through a connection.
  struct Way {
    std::size_t piece = std::size_t{64} << 10;  // so many go on at once, at most
    bool varies = false;                        // in pieces of any size up to that
    std::chrono::microseconds delay{0};         // before each piece
    std::uint64_t passes = kNever;              // after so many bytes:
    End end = End::kClose;
  };
  struct Passage {
    Way there;  // from who connects
    Way back;
  };
  // Of the connection with this number, from 0; on the proxy's thread.
  using Plan = std::function<Passage(int connection)>;

  // tuttiSystemError where there is no port for it.
  TcpProxy(const SocketAddress& door, Plan plan);
  // Resets what is still connected.
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  const SocketAddress& address() const noexcept { return listener_.address; }
  // A black hole from now on: connections stay, and are still made and acknowledged, but nothing
  // gets through either way.
  void swallow_all();
  // How many there were.
  int connections() const noexcept { return connected_.load(); }

 private:
  class Connection;
  void run();
  void accept();
  void wake() noexcept;

  const SocketAddress door_;
  const Plan plan_;
  const Listener listener_;
  const Descriptor wake_;                               // an eventfd
  std::list<std::unique_ptr<Connection>> connections_;  // of the thread
  std::atomic<int> connected_{0};
  std::atomic<bool> swallows_{false};
  std::atomic<bool> stops_{false};
  std::thread thread_;
};

}  // namespace tutti::test
