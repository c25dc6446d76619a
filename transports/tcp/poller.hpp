// Who moves the frames of a process's links.
//
// Frames move while somebody polls. A rank that waits polls itself, and while it sleeps it sleeps
// on the links (Sleepers). When none does - ranks compute - the node's thread takes over: so a peer
// never waits for a rank to come back into the library.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "base/descriptor.hpp"
#include "transports/message/mover.hpp"
#include "transports/tcp/link.hpp"

namespace tutti::tcp {

class Poller final : public message::Mover {
 public:
  // `io`, whose thread is the node's, outlives it.
  explicit Poller(boost::asio::io_context& io);
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // A link that has just been opened.
  void add(const std::shared_ptr<Link>& link);
  // Those that are open.
  std::vector<std::shared_ptr<Link>> links();
  // To that process, whoever began it; nullptr: there is none.
  std::shared_ptr<Link> link_of(const NodeId& node);
  // A link has been closed.
  void on_change() noexcept { links_changed_.store(true, std::memory_order_release); }

  void poll() noexcept override;
  // Ranks share cores: the node's thread looks less often.
  void set_crowded() noexcept { crowded_.store(true, std::memory_order_relaxed); }

  bool has_backlog() const noexcept override {
    return waiting_links_.load(std::memory_order_relaxed) > 0;
  }
  void count_waiting(int change) noexcept {
    waiting_links_.fetch_add(change, std::memory_order_relaxed);
  }
  // For links: whether somebody should look when the socket takes more.
  void watch(Link& link, bool want_to_write) noexcept;

  // Around a fork: the child has copies of the sockets, which it closes.
  void before_fork() { links_mutex_.lock(); }
  void in_parent() { links_mutex_.unlock(); }
  void close_inherited() noexcept;

 private:
  void take_in(bool all);  // polling_ held
  void renew_polled();     // polling_ held
  bool take_ready();       // polling_ held; was there anything?
  void watch_links();
  void nap();
  void wait(Nanoseconds timeout) noexcept override;
  void rouse() noexcept override;
  void rouse_thread() noexcept override;
  void drain_wake() noexcept;

  Descriptor epoll_;
  Descriptor wake_;  // an eventfd: rouses the leader
  boost::asio::io_context& io_;
  boost::asio::posix::stream_descriptor ready_;
  boost::asio::steady_timer pause_;

  std::mutex polling_;
  std::vector<std::shared_ptr<Link>> polled_;  // under polling_
  std::atomic<bool> links_changed_{false};
  std::mutex links_mutex_;
  std::vector<std::shared_ptr<Link>> links_;  // under links_mutex_; all that are not closed

  std::atomic<int> waiting_links_{0};  // with frames that their sockets have not taken
  std::atomic<bool> crowded_{false};
};

}  // namespace tutti::tcp
