#include "transports/packets/poller.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/quiet_thread.hpp"
#include "transports/packets/link.hpp"
#include "transports/packets/node.hpp"

namespace tutti::packets {

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
  if (!event) fail_system("an event of the network's thread");
  return event;
}

Descriptor make_set(const Descriptor& wake, int network) {
  Descriptor set(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  const auto add = [&](int fd) { return ::epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &event) == 0; };
  if (!set || !add(wake.get()) || (network >= 0 && !add(network))) {
    fail_system("watching what the network reports");
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
  thread_ = start_quiet_thread("tutti-packets", [this] { run(); });
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
  auto* const job = static_cast<Job*>(end.operation);
  if (end.kind == Completion::Kind::kFailed) {
    TUTTI_INFO(kNet, "a transfer has failed: {}", fabric_.describe(end.error));
  }
  if (end.kind == Completion::Kind::kWritten) node_.on_landed(end.number);
  if (job == nullptr) return;
  const bool failed = end.kind == Completion::Kind::kFailed;
  // Whose last job it was ends with it.
  const std::shared_ptr<Link> link = std::move(job->link);
  switch (job->use) {
    case Job::Use::kReceive: {
      auto& buffer = static_cast<Buffer&>(*job);
      if (end.kind == Completion::Kind::kReceived) node_.on_packet(buffer.memory.first(end.bytes));
      return to_lend_.push_back(&buffer);
    }
    case Job::Use::kSend: {
      auto& buffer = static_cast<Buffer&>(*job);
      return failed ? link->on_failed(buffer, end.error) : link->on_sent(buffer);
    }
    case Job::Use::kWrite:
      return link->on_written(static_cast<WriteJob&>(*job).departure, failed ? end.error : 0);
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
  sleepers_.note_poll();
  const std::unique_lock lock(polling_, std::try_to_lock);
  if (lock) take_in();
}

void Poller::run_later(std::function<void()> work) {
  {
    const std::lock_guard lock(works_mutex_);
    works_.push_back(std::move(work));
  }
  rouse_thread();
}

void Poller::rouse() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(::write(leader_wake_.get(), &one, sizeof(one)));
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
    if (sleepers_.may_thread_rest()) {
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
      while (take_in() && !sleepers_.is_polled()) {
      }
    }
    wait_on(thread_set_, kTendTime);
    drain(thread_wake_);
  }
}

void Poller::wait(Nanoseconds timeout) noexcept {
  wait_on(leader_set_, timeout);
  drain(leader_wake_);
}

void Poller::wait_on(const Descriptor& set, Nanoseconds timeout) noexcept {
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

}  // namespace tutti::packets
