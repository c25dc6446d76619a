#include "transports/tcp/poller.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/error.hpp"

namespace tutti::tcp {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// A look at each socket takes less than asking the kernel which of them has something.
constexpr std::size_t kFewLinks = 2;
constexpr int kMostReady = 64;
// How often the thread looks whether ranks still poll.
constexpr std::chrono::milliseconds kNap{1};
constexpr std::chrono::milliseconds kCrowdedNap{10};

}  // namespace

Poller::Poller(asio::io_context& io)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      io_(io),
      ready_(io),
      pause_(io) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (!epoll_ || !wake_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
    fail_system("watching connections");
  }
  watch_links();
}

Poller::~Poller() {
  if (ready_.is_open()) ready_.release();
}

void Poller::add(const std::shared_ptr<Link>& link) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = link.get();
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, link->socket(), &event) != 0) {
    return link->close(Link::End::kBroken, std::strerror(errno));
  }
  {
    const std::lock_guard lock(links_mutex_);
    links_.push_back(link);
  }
  on_change();
  watch(*link, link->backlog() > 0);
}

std::vector<std::shared_ptr<Link>> Poller::links() {
  const std::lock_guard lock(links_mutex_);
  return links_;
}

std::shared_ptr<Link> Poller::link_of(const NodeId& node) {
  const std::lock_guard lock(links_mutex_);
  const auto found = std::find_if(links_.begin(), links_.end(), [&node](const auto& link) {
    return link->remote() == node && !link->is_closed();
  });
  return found != links_.end() ? *found : nullptr;
}

void Poller::close_inherited() noexcept {
  for (const auto& link : links_) ::close(link->socket());
  links_mutex_.unlock();
}

void Poller::watch(Link& link, bool want_to_write) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | (want_to_write ? EPOLLOUT : 0u);
  event.data.ptr = &link;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, link.socket(), &event);
}

// Closed links go; their sockets with the last who uses them.
void Poller::renew_polled() {
  if (!links_changed_.exchange(false, std::memory_order_acq_rel)) return;
  const std::lock_guard lock(links_mutex_);
  std::erase_if(links_, [this](const auto& link) {
    if (!link->is_closed()) return false;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, link->socket(), nullptr);
    return true;
  });
  polled_ = links_;
}

void Poller::take_in(bool all) {
  renew_polled();
  if (all || polled_.size() > kFewLinks) {
    // A rank that has come back meanwhile goes on itself.
    while (take_ready() && all && !sleepers_.is_polled()) {
    }
    return;
  }
  for (const auto& link : polled_) {
    link->receive();
    if (link->backlog() > 0) link->push_out();
  }
}

bool Poller::take_ready() {
  epoll_event events[kMostReady];
  const int count = ::epoll_wait(epoll_.get(), events, kMostReady, 0);
  bool any = false;
  for (int i = 0; i < count; ++i) {
    auto* const link = static_cast<Link*>(events[i].data.ptr);
    if (link == nullptr) {
      drain_wake();
      continue;
    }
    // A socket that was watched before its link is polled is looked at the next time.
    if ((events[i].events & ~static_cast<unsigned>(EPOLLOUT)) != 0) any = link->receive() || any;
    if ((events[i].events & EPOLLOUT) != 0) link->push_out();
  }
  return any;
}

void Poller::poll() noexcept {
  sleepers_.note_poll();
  const std::unique_lock lock(polling_, std::try_to_lock);
  if (lock) take_in(false);
}

void Poller::watch_links() {
  if (!ready_.is_open()) ready_.assign(epoll_.get());
  ready_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code error) {
    if (error) return;
    if (sleepers_.may_thread_rest()) {
      // As long as it is assigned, every message wakes this thread, whoever waits for that.
      ready_.release();
      return nap();
    }
    {
      const std::lock_guard lock(polling_);
      take_in(true);
    }
    watch_links();
  });
}

void Poller::nap() {
  pause_.expires_after(crowded_.load(std::memory_order_relaxed) ? kCrowdedNap : kNap);
  pause_.async_wait([this](error_code) { sleepers_.may_thread_rest() ? nap() : watch_links(); });
}

void Poller::rouse_thread() noexcept {
  try {
    asio::post(io_, [this] { pause_.cancel(); });
  } catch (const std::exception&) {
    // Out of memory: the nap ends by itself.
  }
}

void Poller::wait(Nanoseconds timeout) noexcept {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  epoll_event event;
  const int count = ::epoll_wait(epoll_.get(), &event, 1, static_cast<int>(ms));
  if (count > 0 && event.data.ptr == nullptr) drain_wake();
}

void Poller::rouse() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof(one)));
}

void Poller::drain_wake() noexcept {
  std::uint64_t count = 0;
  static_cast<void>(::read(wake_.get(), &count, sizeof(count)));
}

}  // namespace tutti::tcp
