#include "network.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace {

// Each message begins with one byte, without which an empty one would look like an end.
constexpr unsigned char kMark = 1;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

Descriptor make_socket() {
  Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) fail("a socket");
  return socket;
}

bool watch(const Descriptor& set, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return ::epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

tuttiPluginNetwork::tuttiPluginNetwork()
    : listener_(make_socket()),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      set_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!wake_ || !set_) fail("events");
  // An address without a name: the kernel finds one that nobody has.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, sizeof(address.sun_family)) != 0) fail("a name");
  if (::listen(listener_.get(), SOMAXCONN) != 0) fail("listening");
  socklen_t bytes = sizeof(address);
  if (::getsockname(listener_.get(), generic, &bytes) != 0) fail("the name");
  name_.assign(address.sun_path + 1, bytes - offsetof(sockaddr_un, sun_path) - 1);
  if (!watch(set_, listener_.get()) || !watch(set_, wake_.get())) fail("watching sockets");
}

// ---- What goes ----------------------------------------------------------------------------------

std::uint64_t tuttiPluginNetwork::add_peer(std::string name) {
  const std::lock_guard lock(outgoing_);
  peers_.push_back({std::move(name), Descriptor()});
  return peers_.size() - 1;
}

int tuttiPluginNetwork::connect(Peer& peer) {
  Descriptor socket = make_socket();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, peer.name.data(), peer.name.size());
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + peer.name.size());
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), bytes) != 0) return errno;
  peer.socket = std::move(socket);
  return 0;
}

int tuttiPluginNetwork::send(std::uint64_t number, const void* message, std::size_t bytes,
                             tuttiPluginOperation_t* operation) {
  int error = 0;
  {
    const std::lock_guard lock(outgoing_);
    Peer& peer = peers_.at(number);
    if (!peer.socket) error = connect(peer);
    if (error == 0) {
      unsigned char mark = kMark;
      iovec parts[] = {{&mark, sizeof(mark)}, {const_cast<void*>(message), bytes}};
      msghdr whole{};
      whole.msg_iov = parts;
      whole.msg_iovlen = 2;
      if (::sendmsg(peer.socket.get(), &whole, MSG_NOSIGNAL) < 0) error = errno;
    }
    // The peer has not taken what it was sent, or not yet who wants to send.
    if (error == EAGAIN || error == EINTR || error == ENOBUFS) return EAGAIN;
    if (error != 0) peer.socket = Descriptor();  // the next message tries it anew
  }
  end({.operation = operation,
       .end = error == 0 ? tuttiPluginSent : tuttiPluginFailed,
       .error = error,
       .bytes = 0});
  return 0;
}

void tuttiPluginNetwork::end(const tuttiPluginCompletion_t& completion) {
  const std::lock_guard lock(ended_);
  ends_.push_back(completion);
  if (!std::exchange(wanted_, false)) return;
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof(one)));
}

// ---- What comes ---------------------------------------------------------------------------------

void tuttiPluginNetwork::receive(void* memory, std::size_t bytes,
                                 tuttiPluginOperation_t* operation) {
  const std::lock_guard lock(incoming_);
  places_.push_back({memory, bytes, operation});
}

std::size_t tuttiPluginNetwork::read(tuttiPluginCompletion_t* ends, std::size_t most) {
  std::size_t count = take_ends(ends, most);
  constexpr int kMostSockets = 32;
  epoll_event ready[kMostSockets];
  const std::lock_guard lock(incoming_);
  // Without a place messages stay where they are, and with them who sends.
  if (count == most || places_.empty()) return count;
  const int sockets = ::epoll_wait(set_.get(), ready, kMostSockets, 0);
  for (int i = 0; i < sockets; ++i) {
    const int fd = ready[i].data.fd;
    if (fd == wake_.get()) continue;
    if (fd == listener_.get()) {
      accept_all();
      continue;
    }
    // A few of each: who sends much keeps nobody else waiting.
    constexpr int kTurn = 8;
    for (int turn = 0; turn < kTurn && count < most && !places_.empty(); ++turn) {
      if (!take_from(fd, ends[count])) break;
      ++count;
    }
  }
  return count;
}

std::size_t tuttiPluginNetwork::take_ends(tuttiPluginCompletion_t* ends, std::size_t most) {
  const std::lock_guard lock(ended_);
  const std::size_t count = std::min(most, ends_.size());
  std::copy_n(ends_.begin(), count, ends);
  ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

void tuttiPluginNetwork::accept_all() {
  for (;;) {
    Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;  // or no more descriptors: then it stays there, for later
    const auto number = static_cast<std::size_t>(socket.get());
    if (sockets_.size() <= number) sockets_.resize(number + 1);
    if (watch(set_, socket.get())) sockets_[number] = std::move(socket);
  }
}

bool tuttiPluginNetwork::take_from(int socket, tuttiPluginCompletion_t& done) {
  const Arrival arrival = take(socket, done);
  if (arrival == Arrival::kClosed) sockets_[static_cast<std::size_t>(socket)] = Descriptor();
  if (arrival != Arrival::kMessage) return false;
  places_.pop_front();
  return true;
}

tuttiPluginNetwork::Arrival tuttiPluginNetwork::take(int socket, tuttiPluginCompletion_t& done) {
  const Place& place = places_.front();
  unsigned char mark = 0;
  iovec parts[] = {{&mark, sizeof(mark)}, {place.memory, place.bytes}};
  msghdr whole{};
  whole.msg_iov = parts;
  whole.msg_iovlen = 2;
  const ssize_t got = ::recvmsg(socket, &whole, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Arrival::kNothing;
  if (got <= 0) return Arrival::kClosed;  // or broken, which is no better
  if ((whole.msg_flags & MSG_TRUNC) != 0) {
    done = {.operation = place.operation, .end = tuttiPluginFailed, .error = EMSGSIZE, .bytes = 0};
  } else {
    done = {.operation = place.operation,
            .end = tuttiPluginReceived,
            .error = 0,
            .bytes = static_cast<std::size_t>(got) - sizeof(mark)};
  }
  return Arrival::kMessage;
}

// ---- Waiting, and the end -----------------------------------------------------------------------

bool tuttiPluginNetwork::may_wait() {
  const std::lock_guard lock(ended_);
  if (!ends_.empty()) return false;
  std::uint64_t ignored = 0;
  static_cast<void>(::read(wake_.get(), &ignored, sizeof(ignored)));
  wanted_ = true;
  return true;  // sockets are watched all the time
}

void tuttiPluginNetwork::shut() noexcept {
  const std::scoped_lock lock(outgoing_, incoming_, ended_);
  listener_ = Descriptor();
  sockets_.clear();
  peers_.clear();
  places_.clear();
  ends_.clear();
}
