#include "transports/tcp/poller.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "base/futex.hpp"

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
    while (take_ready() && all && !is_polled()) {
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
  polls_.store(polls_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  const std::unique_lock lock(polling_, std::try_to_lock);
  if (lock) take_in(false);
}

bool Poller::is_polled() noexcept {
  if (on_bells_.load(std::memory_order_seq_cst) > 0) return false;
  const std::uint64_t polls = polls_.load(std::memory_order_relaxed);
  const bool polled = polls != polls_seen_ || leading_.load(std::memory_order_acquire);
  polls_seen_ = polls;
  return polled;
}

void Poller::watch_links() {
  watching_.store(true, std::memory_order_seq_cst);
  if (!ready_.is_open()) ready_.assign(epoll_.get());
  ready_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code error) {
    if (error) return;
    if (is_polled()) {
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

// seq_cst, as in sleep_on_bell(): either the sleeper sees that nobody watches, or this thread sees
// the sleeper.
void Poller::nap() {
  watching_.store(false, std::memory_order_seq_cst);
  if (on_bells_.load(std::memory_order_seq_cst) > 0) return watch_links();
  pause_.expires_after(crowded_.load(std::memory_order_relaxed) ? kCrowdedNap : kNap);
  pause_.async_wait([this](error_code) { is_polled() ? nap() : watch_links(); });
}

void Poller::end_nap() noexcept {
  try {
    asio::post(io_, [this] { pause_.cancel(); });
  } catch (const std::exception&) {
    // Out of memory: the nap ends by itself.
  }
}

void Poller::sleep_on_bell(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) noexcept {
  on_bells_.fetch_add(1, std::memory_order_seq_cst);
  if (!watching_.load(std::memory_order_seq_cst)) end_nap();
  futex_wait(bell.ring, seen, timeout);
  on_bells_.fetch_sub(1, std::memory_order_seq_cst);
}

// A bell is rung before leader_bell_ is looked at, and the leader sets that before it looks at the
// bell: both seq_cst, so that one of them sees the other.
void Poller::ring(Doorbell& bell) noexcept {
  if (bell.sleepers.load(std::memory_order_seq_cst) == 0) return;
  bell.ring.fetch_add(1, std::memory_order_seq_cst);
  if (leader_bell_.load(std::memory_order_seq_cst) == &bell) {
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_.get(), &one, sizeof(one)));
    if (bell.sleepers.load(std::memory_order_relaxed) == 1) return;
  }
  futex_wake_all(bell.ring);
}

void Poller::drain_wake() noexcept {
  std::uint64_t count = 0;
  static_cast<void>(::read(wake_.get(), &count, sizeof(count)));
}

void Poller::sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) noexcept {
  if (timeout.count() <= 0) return;
  if (leading_.exchange(true, std::memory_order_acq_rel)) {
    {
      const std::lock_guard lock(following_);
      followers_.push_back(&bell);
    }
    futex_wait(bell.ring, seen, timeout);
    const std::lock_guard lock(following_);
    followers_.erase(std::find(followers_.begin(), followers_.end(), &bell));
    return;
  }
  leader_bell_.store(&bell, std::memory_order_seq_cst);
  if (bell.ring.load(std::memory_order_seq_cst) == seen) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    epoll_event event;
    const int count =
        ::epoll_wait(epoll_.get(), &event, 1, static_cast<int>(std::min<std::int64_t>(ms, 1000)));
    if (count > 0 && event.data.ptr == nullptr) drain_wake();
  }
  leader_bell_.store(nullptr, std::memory_order_seq_cst);
  poll();
  leading_.store(false, std::memory_order_release);
  const std::lock_guard lock(following_);
  if (!followers_.empty()) futex_wake_all(followers_.front()->ring);  // it leads from now on
}

}  // namespace tutti::tcp
