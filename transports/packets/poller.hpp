// Who looks at what the network reports. Frames move while somebody does: a rank that waits looks
// itself, and while it sleeps it sleeps on the network (message::Sleepers). When none does - ranks
// compute - the node's thread takes over. That thread also says to other processes that this one is
// there, and notices when they are not.
//
// Where the network cannot wake anybody, who sleeps naps, and looks in between.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/descriptor.hpp"
#include "transports/message/mover.hpp"
#include "transports/packets/buffers.hpp"
#include "transports/packets/fabric.hpp"

namespace tutti::packets {

class Link;
class Node;

class Poller final : public message::Mover {
 public:
  // Gives `receivers` to the network, and starts the thread. `node`, whose network it is, and
  // `receivers` outlive it.
  Poller(Node& node, Buffers& receivers);
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  // The thread ends.
  void stop();

  void poll() noexcept override;
  bool has_backlog() const noexcept override {
    return restless_count_.load(std::memory_order_relaxed) > 0;
  }
  // Ranks share cores: the thread looks less often.
  void set_crowded() noexcept { crowded_.store(true, std::memory_order_relaxed); }

  // The link has something that the network did not take: whoever polls tries again.
  void tend_soon(Link& link);
  // On the thread, soon.
  void run_later(std::function<void()> work);

  // Around a fork: nobody polls.
  void before_fork() { polling_.lock(); }
  void in_parent() { polling_.unlock(); }

 private:
  bool take_in();                      // polling_ held; was there anything?
  void on_end(const Completion& end);  // polling_ held
  void lend_receivers();               // polling_ held
  void push_out_restless();            // polling_ held
  void run();
  void do_works();
  void wait(Nanoseconds timeout) noexcept override;
  void rouse() noexcept override;
  void rouse_thread() noexcept override;
  // Until the network has something, the set's event is written, or the time has passed.
  void wait_on(const Descriptor& set, Nanoseconds timeout) noexcept;
  static void drain(const Descriptor& event) noexcept;

  Node& node_;
  Fabric& fabric_;
  Descriptor leader_set_;  // an epoll of the network and leader_wake_
  Descriptor thread_set_;  // of the network and thread_wake_
  Descriptor leader_wake_;
  Descriptor thread_wake_;

  std::mutex polling_;
  std::vector<Buffer*> to_lend_;  // receivers that the network does not have; under polling_

  std::mutex restless_mutex_;
  std::vector<std::shared_ptr<Link>> restless_;  // under restless_mutex_
  std::atomic<std::size_t> restless_count_{0};

  std::mutex works_mutex_;
  std::deque<std::function<void()>> works_;  // under works_mutex_
  std::atomic<bool> stops_{false};

  std::atomic<bool> crowded_{false};

  std::thread thread_;
};

}  // namespace tutti::packets
