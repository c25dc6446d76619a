#include "transports/tcp/door.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/log.hpp"
#include "transports/tcp/call.hpp"

namespace tutti::tcp {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::ip::tcp::socket;

namespace {

constexpr std::chrono::seconds kVisitTime{2};
// While others wait for a place.
constexpr std::chrono::milliseconds kPatience{100};
constexpr std::chrono::milliseconds kPauseWithoutPlaces{20};
constexpr std::chrono::milliseconds kPauseWithoutDescriptors{100};

}  // namespace

// One connection until it is a link or gone. Owned by the door and by its pending handlers.
class Door::Visit : public std::enable_shared_from_this<Visit> {
 public:
  Visit(Socket socket, Door& door)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), door_(door) {}

  // Has said nothing, though it had the time to.
  bool is_silent() const noexcept {
    return !said_ && std::chrono::steady_clock::now() - begin_ > kPatience;
  }
  void send_away() { end(Refusal::kSilence); }

  void start() {
    timer_.expires_after(kVisitTime);
    timer_.async_wait([self = shared_from_this()](error_code error) {
      // Who has been admitted may know it already, and use the connection.
      if (!error && !self->admitted_) self->end(Refusal::kSilence);
    });
    asio::async_read(socket_, asio::buffer(hello_),
                     [self = shared_from_this()](error_code error, std::size_t) {
                       error ? self->end(Refusal::kGarbage) : self->on_hello();
                     });
  }

 private:
  void on_hello() {
    if (ended_) return;
    Refusal refusal = Refusal::kNone;
    said_ = parse_hello(hello_, refusal);
    if (!said_) return end(refusal);  // without a word
    const std::optional<Key> key = door_.host_.key_for(*said_, refusal);
    if (!key) return refuse_and_end(refusal);
    handshake_.emplace(*key, hello_, door_.host_.id());
    asio::async_write(socket_, asio::buffer(handshake_->challenge()),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        error ? self->end(Refusal::kGarbage) : self->read_proof();
                      });
  }

  void read_proof() {
    asio::async_read(socket_, asio::buffer(proof_),
                     [self = shared_from_this()](error_code error, std::size_t) {
                       error ? self->end(Refusal::kGarbage) : self->on_proof();
                     });
  }

  void on_proof() {
    if (ended_) return;
    const Refusal refusal =
        handshake_->proves(proof_) ? door_.host_.admit(*said_) : Refusal::kProof;
    admitted_ = refusal == Refusal::kNone;
    verdict_ = verdict(refusal);
    asio::async_write(socket_, asio::buffer(verdict_),
                      [self = shared_from_this(), refusal](error_code error, std::size_t) {
                        if (error || refusal != Refusal::kNone) return self->end(refusal);
                        self->enter();
                      });
  }

  void enter() {
    if (std::exchange(ended_, true)) return;
    timer_.cancel();
    Descriptor socket(socket_.release());
    door_.host_.welcome(*said_, std::move(socket));
    door_.end(shared_from_this(), Refusal::kNone);
  }

  void refuse_and_end(Refusal refusal) {
    challenge_ = refuse(refusal);
    asio::async_write(
        socket_, asio::buffer(challenge_),
        [self = shared_from_this(), refusal](error_code, std::size_t) { self->end(refusal); });
  }

  void end(Refusal refusal) {
    if (std::exchange(ended_, true)) return;
    error_code ignored;
    timer_.cancel();
    socket_.close(ignored);
    if (admitted_) door_.host_.dismiss(*said_);
    door_.end(shared_from_this(), refusal);
  }

  Socket socket_;
  asio::steady_timer timer_;
  Door& door_;
  HelloBytes hello_;
  std::optional<Introduction> said_;
  std::optional<ServerHandshake> handshake_;
  ChallengeBytes challenge_;
  Key proof_;
  VerdictBytes verdict_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  bool admitted_ = false;
  bool ended_ = false;
};

Door::Door(asio::io_context& io, Host& host, Listener listener)
    : io_(io), host_(host), address_(listener.address), acceptor_(io), pause_(io) {
  acceptor_.assign(protocol(), listener.socket.get());
  listener.socket.release();
}

asio::ip::tcp Door::protocol() const {
  return address_.family == 6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4();
}

void Door::open() { accept_when_ready(); }

void Door::accept_when_ready() {
  if (accepting_) return;
  accepting_ = true;
  acceptor_.async_wait(asio::ip::tcp::acceptor::wait_read, [this](error_code error) {
    accepting_ = false;
    if (!error) accept_all();
  });
}

void Door::accept_all() {
  while (visits_.size() < kMostVisits || make_room()) {
    const int fd =
        ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      const bool shortage =
          errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      if (!shortage) return accept_when_ready();
      TUTTI_WARN(kNet, "no descriptor for a connection from another rank: {}",
                 std::strerror(errno));
      return accept_after(kPauseWithoutDescriptors);
    }
    Socket socket(io_);
    socket.assign(protocol(), fd);
    const auto visit = std::make_shared<Visit>(std::move(socket), *this);
    visits_.push_back(visit);
    visit->start();
  }
  accept_after(kPauseWithoutPlaces);
}

bool Door::make_room() {
  const auto silent = std::find_if(visits_.begin(), visits_.end(),
                                   [](const auto& visit) { return visit->is_silent(); });
  if (silent == visits_.end()) return false;
  const std::shared_ptr<Visit> visit = *silent;
  visit->send_away();
  return true;
}

void Door::accept_after(std::chrono::milliseconds pause) {
  if (accepting_) return;
  accepting_ = true;
  pause_.expires_after(pause);
  pause_.async_wait([this](error_code error) {
    accepting_ = false;
    if (!error) accept_all();
  });
}

void Door::end(const std::shared_ptr<Visit>& visit, Refusal refusal) {
  visits_.remove(visit);
  if (refusal != Refusal::kNone) {
    const std::uint64_t count = ++refused_[static_cast<unsigned>(refusal)];
    TUTTI_INFO(kNet, "turned a connection away at {}: {} ({} of these)", to_string(address_),
               describe(refusal), count);
  }
}

}  // namespace tutti::tcp
