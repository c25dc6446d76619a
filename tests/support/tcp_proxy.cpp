#include "tests/support/tcp_proxy.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace tutti::test {

namespace {

using Time = std::chrono::steady_clock::time_point;
Time now() { return std::chrono::steady_clock::now(); }

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
// Without a delay so many pieces go on before the other connections have their turn.
constexpr int kPiecesAtOnce = 64;

// What becomes of a connection after a step.
enum class Outcome : std::uint8_t { kGoesOn, kClose, kReset };

bool would_wait() noexcept { return errno == EAGAIN || errno == EINTR; }

// close() then sends a reset instead of the rest.
void let_close_reset(int socket) noexcept {
  const linger none{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

// Pieces stay pieces.
void send_at_once(int socket) noexcept {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// One way through a connection.
class Stream {
 public:
  Stream(int from, int to, const TcpProxy::Way& way, unsigned seed)
      : from_(from), to_(to), way_(way), random_(seed) {}

  void swallow() noexcept { swallows_ = true; }
  bool is_over() const noexcept { return over_; }

  void watch(std::vector<pollfd>& watched, Time& until) const {
    if (over_) return;
    if (swallows_ || is_empty()) {
      watched.push_back({from_, POLLIN, 0});
    } else if (due_ > now()) {
      until = std::min(until, due_);
    } else {
      watched.push_back({to_, POLLOUT, 0});
    }
  }

  // As far as it gets without waiting.
  Outcome step() {
    for (int i = 0; i < kPiecesAtOnce && !over_; ++i) {
      if (passed_ == way_.passes && !swallows_) {
        way_.passes = TcpProxy::kNever;
        switch (way_.end) {
          case TcpProxy::End::kClose:
            return Outcome::kClose;
          case TcpProxy::End::kReset:
            return Outcome::kReset;
          case TcpProxy::End::kSilence:
            swallows_ = true;
            break;
          case TcpProxy::End::kGarble:
            garbles_ = true;
            garble();
            break;
        }
      }
      if (swallows_) begin_ = held_.size();
      if (is_empty()) {
        if (!take()) return outcome_;
      } else if (due_ > now() || !pass_on()) {
        return outcome_;
      }
    }
    return Outcome::kGoesOn;
  }

 private:
  bool is_empty() const noexcept { return begin_ == held_.size(); }
  void garble() noexcept {
    for (std::size_t i = begin_; i < held_.size(); ++i) held_[i] = ~held_[i];
  }

  // False: nothing has come, or nothing will.
  bool take() {
    begin_ = 0;
    held_.resize(kBufferBytes);
    const ssize_t got = ::recv(from_, held_.data(), held_.size(), MSG_DONTWAIT);
    held_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (got > 0) {
      if (garbles_) garble();
      due_ = now() + way_.delay;
      return true;
    }
    if (got < 0 && would_wait()) return false;
    over_ = true;
    if (swallows_) return false;
    if (got < 0) outcome_ = Outcome::kReset;
    ::shutdown(to_, SHUT_WR);
    return false;
  }

  // False: no more at this time.
  bool pass_on() {
    std::size_t piece = way_.piece;
    if (way_.varies) piece = 1 + random_() % piece;
    const auto left = static_cast<std::size_t>(
        std::min<std::uint64_t>(way_.passes - passed_, std::min(piece, held_.size() - begin_)));
    const ssize_t sent = ::send(to_, held_.data() + begin_, left, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (would_wait()) return false;
      over_ = true;
      outcome_ = Outcome::kReset;
      return false;
    }
    begin_ += static_cast<std::size_t>(sent);
    passed_ += static_cast<std::uint64_t>(sent);
    due_ = now() + way_.delay;
    return true;
  }

  const int from_;
  const int to_;
  TcpProxy::Way way_;
  std::minstd_rand random_;
  std::vector<std::byte> held_;  // from begin_ on: came, and has not gone on
  std::size_t begin_ = 0;
  std::uint64_t passed_ = 0;
  Time due_{};
  Outcome outcome_ = Outcome::kGoesOn;
  bool garbles_ = false;
  bool swallows_ = false;
  bool over_ = false;
};

}  // namespace

class TcpProxy::Connection {
 public:
  Connection(Descriptor caller, Descriptor door, const Passage& passage, unsigned seed)
      : caller_(std::move(caller)),
        door_(std::move(door)),
        there_(caller_.get(), door_.get(), passage.there, seed),
        back_(door_.get(), caller_.get(), passage.back, seed + 1) {}

  void swallow() noexcept {
    there_.swallow();
    back_.swallow();
  }
  void watch(std::vector<pollfd>& watched, Time& until) const {
    there_.watch(watched, until);
    back_.watch(watched, until);
  }
  // False: it is over.
  bool step() {
    for (Stream* const stream : {&there_, &back_}) {
      const Outcome outcome = stream->step();
      if (outcome == Outcome::kReset) {
        reset();
        return false;
      }
      if (outcome == Outcome::kClose) {
        // What still comes is taken, so that no end is a reset.
        ::shutdown(caller_.get(), SHUT_WR);
        ::shutdown(door_.get(), SHUT_WR);
        swallow();
      }
    }
    return !there_.is_over() || !back_.is_over();
  }
  void reset() noexcept {
    let_close_reset(caller_.get());
    let_close_reset(door_.get());
  }

 private:
  const Descriptor caller_;
  const Descriptor door_;
  Stream there_;
  Stream back_;
};

TcpProxy::TcpProxy(const SocketAddress& door, Plan plan)
    : door_(door),
      plan_(std::move(plan)),
      listener_(listen_on_loopback("for a proxy")),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) fail_system("an eventfd for a proxy");
  thread_ = std::thread([this] { run(); });
}

TcpProxy::~TcpProxy() {
  stops_.store(true);
  wake();
  thread_.join();
  for (const auto& connection : connections_) connection->reset();
}

void TcpProxy::swallow_all() {
  swallows_.store(true);
  wake();
}

void TcpProxy::wake() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof(one)));
}

void TcpProxy::run() {
  std::vector<pollfd> watched;
  while (!stops_.load()) {
    watched = {{listener_.socket.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    Time until = Time::max();
    for (const auto& connection : connections_) connection->watch(watched, until);
    timespec left{};
    if (until != Time::max()) {
      const auto ns = std::max<std::int64_t>(
          0, std::chrono::duration_cast<std::chrono::nanoseconds>(until - now()).count());
      left = {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
    }
    ::ppoll(watched.data(), watched.size(), until != Time::max() ? &left : nullptr, nullptr);
    std::uint64_t count = 0;
    if (watched[1].revents != 0) static_cast<void>(::read(wake_.get(), &count, sizeof(count)));
    if (watched[0].revents != 0) accept();
    std::erase_if(connections_, [this](const auto& connection) {
      if (swallows_.load()) connection->swallow();
      return !connection->step();
    });
  }
}

void TcpProxy::accept() {
  Descriptor caller(::accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!caller) return;
  Descriptor door(::socket(door_.family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage name;
  const socklen_t size = to_system(door_, name);
  if (!door || ::connect(door.get(), reinterpret_cast<const sockaddr*>(&name), size) != 0) {
    return let_close_reset(caller.get());
  }
  send_at_once(caller.get());
  send_at_once(door.get());
  const int number = connected_.fetch_add(1);
  connections_.push_back(std::make_unique<Connection>(std::move(caller), std::move(door),
                                                      plan_(number), 2u * number + 1u));
}

}  // namespace tutti::test
