#include "transports/ofi/poller.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/futex.hpp"
#include "base/log.hpp"
#include "base/quiet_thread.hpp"
#include "transports/ofi/link.hpp"
#include "transports/ofi/node.hpp"

namespace tutti::ofi {

namespace {

constexpr std::size_t kMostEnds = 32;
// How often the thread looks whether ranks still poll.
constexpr Nanoseconds kNap = std::chrono::milliseconds(1);
constexpr Nanoseconds kCrowdedNap = std::chrono::milliseconds(10);
// How often it tends the links.
constexpr Nanoseconds kTendTime = std::chrono::milliseconds(50);
// Between looks at a network that wakes nobody, and at one that did not take all that it was given.
constexpr Nanoseconds kLookTime = std::chrono::microseconds(100);
constexpr Nanoseconds kPushTime = std::chrono::milliseconds(1);

Descriptor make_event() {
  Descriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) fail_system("an event of transport ofi");
  return event;
}

Descriptor make_set(const Descriptor& wake, int network) {
  Descriptor set(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  const auto add = [&](int fd) { return ::epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &event) == 0; };
  if (!set || !add(wake.get()) || (network >= 0 && !add(network))) {
    fail_system("watching what libfabric reports");
  }
  return set;
}

}  // namespace

Poller::Poller(Node& node, Buffers& receivers)
    : node_(node), fabric_(node.fabric()), leader_wake_(make_event()), thread_wake_(make_event()) {
  const int network = fabric_.capabilities().sleeps ? fabric_.wait_descriptor() : -1;
  leader_set_ = make_set(leader_wake_, network);
  thread_set_ = make_set(thread_wake_, network);
  for (Buffer& buffer : receivers.all()) to_lend_.push_back(&buffer);
  lend_receivers();
  thread_ = start_quiet_thread("tutti-ofi", [this] { run(); });
}

Poller::~Poller() { stop(); }

void Poller::stop() {
  if (!thread_.joinable()) return;
  stops_.store(true, std::memory_order_release);
  run_later([] {});
  thread_.join();
}

void Poller::lend_receivers() {
  while (!to_lend_.empty()) {
    Buffer& buffer = *to_lend_.back();
    if (fabric_.receive(buffer.memory, node_.receivers().region(), buffer) != Taken::kYes) return;
    to_lend_.pop_back();
  }
}

void Poller::on_end(const Completion& end) {
  auto* const buffer = static_cast<Buffer*>(end.operation);
  switch (end.kind) {
    case Completion::Kind::kReceived:
      node_.on_packet(buffer->memory.first(end.bytes));
      to_lend_.push_back(buffer);
      return;
    case Completion::Kind::kSent:
      if (const std::shared_ptr<Link> link = std::move(buffer->link)) link->on_sent(*buffer);
      return;
    case Completion::Kind::kFailed:
      TUTTI_INFO(kNet, "a transfer has failed: {}", fabric_.describe(end.error));
      if (buffer == nullptr) return;
      if (buffer->use == Buffer::Use::kReceive) return to_lend_.push_back(buffer);
      if (const std::shared_ptr<Link> link = std::move(buffer->link)) {
        link->on_failed(*buffer, end.error);
      }
      return;
  }
}

bool Poller::take_in() {
  Completion ends[kMostEnds];
  const std::size_t count = fabric_.read(ends);
  for (const Completion& end : std::span(ends).first(count)) {
    try {
      on_end(end);
    } catch (const std::exception& error) {
      TUTTI_WARN(kNet, "{}", error.what());  // no memory, say; who waits hears by its deadline
    }
  }
  lend_receivers();
  if (has_backlog()) push_out_restless();
  return count > 0;
}

void Poller::tend_soon(Link& link) {
  if (!link.becomes_restless()) return;
  const std::lock_guard lock(restless_mutex_);
  restless_.push_back(link.shared_from_this());
  restless_count_.store(restless_.size(), std::memory_order_relaxed);
}

void Poller::push_out_restless() {
  std::vector<std::shared_ptr<Link>> links;
  {
    const std::lock_guard lock(restless_mutex_);
    links.swap(restless_);
    restless_count_.store(0, std::memory_order_relaxed);
  }
  for (const auto& link : links) {
    link->rests();
    link->push_out();  // and is restless again, if need be
  }
}

void Poller::poll() noexcept {
  polls_.store(polls_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  const std::unique_lock lock(polling_, std::try_to_lock);
  if (lock) take_in();
}

bool Poller::is_polled() noexcept {
  const std::uint64_t polls = polls_.load(std::memory_order_relaxed);
  const bool polled = polls != polls_seen_ || leading_.load(std::memory_order_acquire);
  polls_seen_ = polls;
  return polled;
}

void Poller::run_later(std::function<void()> work) {
  {
    const std::lock_guard lock(works_mutex_);
    works_.push_back(std::move(work));
  }
  rouse_thread();
}

void Poller::rouse_thread() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(::write(thread_wake_.get(), &one, sizeof(one)));
}

void Poller::do_works() {
  for (;;) {
    std::function<void()> work;
    {
      const std::lock_guard lock(works_mutex_);
      if (works_.empty()) return;
      work = std::move(works_.front());
      works_.pop_front();
    }
    work();
  }
}

// seq_cst, as in sleep_on_bell(): either the sleeper sees that nobody watches, or this thread sees
// the sleeper.
bool Poller::may_nap() noexcept {
  const bool polled = is_polled();
  watching_.store(!polled, std::memory_order_seq_cst);
  if (!polled || on_bells_.load(std::memory_order_seq_cst) == 0) return polled;
  watching_.store(true, std::memory_order_seq_cst);
  return false;
}

void Poller::run() {
  Nanoseconds tended{};
  while (!stops_.load(std::memory_order_acquire)) {
    try {
      do_works();
      const Nanoseconds now = steady_now();
      if (now - tended >= kTendTime) {
        // Links are tended after a look at what has come: this thread may have been kept from it.
        {
          const std::lock_guard lock(polling_);
          while (take_in()) {
          }
        }
        node_.tend(now);
        tended = now;
      }
    } catch (const std::exception& error) {
      TUTTI_WARN(kNet, "{}", error.what());
    }
    if (may_nap()) {
      const bool crowded = crowded_.load(std::memory_order_relaxed);
      // On its own event only: as long as ranks look, messages are no business of this thread.
      pollfd wake{thread_wake_.get(), POLLIN, 0};
      const int ms = static_cast<int>(
          std::chrono::ceil<std::chrono::milliseconds>(crowded ? kCrowdedNap : kNap).count());
      if (::poll(&wake, 1, ms) > 0) drain(thread_wake_);
      continue;
    }
    {
      // A rank that has come back meanwhile goes on itself.
      const std::lock_guard lock(polling_);
      while (take_in() && !is_polled()) {
      }
    }
    wait(thread_set_, kTendTime);
    drain(thread_wake_);
  }
}

void Poller::wait(const Descriptor& set, Nanoseconds timeout) noexcept {
  const bool sleeps = fabric_.capabilities().sleeps;
  if (!sleeps) timeout = std::min(timeout, kLookTime);
  if (has_backlog()) timeout = std::min(timeout, kPushTime);
  if (sleeps && !fabric_.may_wait()) return;
  const timespec limit{static_cast<time_t>(timeout.count() / 1'000'000'000),
                       static_cast<long>(timeout.count() % 1'000'000'000)};
  pollfd entry{set.get(), POLLIN, 0};
  ::ppoll(&entry, 1, &limit, nullptr);
}

void Poller::drain(const Descriptor& event) noexcept {
  std::uint64_t count = 0;
  static_cast<void>(::read(event.get(), &count, sizeof(count)));
}

// A bell is rung before leader_bell_ is looked at, and the leader sets that before it looks at the
// bell: both seq_cst, so that one of them sees the other.
void Poller::ring(Doorbell& bell) noexcept {
  if (bell.sleepers.load(std::memory_order_seq_cst) == 0) return;
  bell.ring.fetch_add(1, std::memory_order_seq_cst);
  if (leader_bell_.load(std::memory_order_seq_cst) == &bell) {
    const std::uint64_t one = 1;
    static_cast<void>(::write(leader_wake_.get(), &one, sizeof(one)));
    if (bell.sleepers.load(std::memory_order_relaxed) == 1) return;
  }
  futex_wake_all(bell.ring);
}

void Poller::sleep_on_bell(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) noexcept {
  on_bells_.fetch_add(1, std::memory_order_seq_cst);
  if (!watching_.load(std::memory_order_seq_cst)) rouse_thread();
  futex_wait(bell.ring, seen, timeout);
  on_bells_.fetch_sub(1, std::memory_order_seq_cst);
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
    wait(leader_set_, std::min<Nanoseconds>(timeout, std::chrono::seconds(1)));
    drain(leader_wake_);
  }
  leader_bell_.store(nullptr, std::memory_order_seq_cst);
  poll();
  leading_.store(false, std::memory_order_release);
  const std::lock_guard lock(following_);
  if (!followers_.empty()) futex_wake_all(followers_.front()->ring);  // it leads from now on
}

}  // namespace tutti::ofi
