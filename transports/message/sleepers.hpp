// How the threads of a process sleep until frames come, and when the network's own thread has to
// look for them. One that sleeps, the leader, does so on the network; the others sleep on their
// doorbells, which whoever takes a frame in rings. When the leader has woken, another one leads. As
// long as ranks poll or sleep so, the network's thread rests: waking it for each message would cost
// more than the message.
//
// With TUTTI_PROGRESS=callers the thread rests too while nobody does: frames move in calls only,
// and the cores are the ranks'.
//
// Where others than this process ring a bell too (sleep_on_bell), they ring it by its futex and
// cannot rouse who sleeps on the network: then everybody sleeps on bells, and the network's own
// thread looks for what comes.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <tutti/transport.hpp>
#include <vector>

namespace tutti::message {

class Sleepers {
 public:
  class Network {
   public:
    // Sleeps until the network has something, rouse() is called, or the time has passed.
    virtual void wait(Nanoseconds timeout) noexcept = 0;
    virtual void rouse() noexcept = 0;
    virtual void poll() noexcept = 0;
    // The network's own thread: it is to look for what comes, from now on.
    virtual void rouse_thread() noexcept = 0;

   protected:
    ~Network() = default;
  };
  // Reads TUTTI_PROGRESS. `network` outlives it.
  explicit Sleepers(Network& network);

  // As those of Mover.
  void sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) noexcept;
  void sleep_on_bell(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) noexcept;
  void ring(Doorbell& bell) noexcept;

  // Of whoever polls.
  void note_poll() noexcept {
    polls_.store(polls_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  // Has a rank looked since `polls` was as it is - it is renewed - or does one sleep?
  bool has_waited(std::uint64_t& polls) const noexcept;
  // Does the network's own thread rest while ranks compute, by the user's wish?
  bool is_moved_by_callers() const noexcept { return moved_by_callers_; }
  // Not any more, or again: ranks that have left are asked for what they have left behind.
  void keep_moving(bool on) noexcept;

  // The network's own thread asks: do ranks look, since it has asked last?
  bool is_polled() noexcept;
  // And whether it may leave the network to them. From false on it looks itself.
  bool may_thread_rest() noexcept;

 private:
  Network& network_;
  const bool moved_by_callers_;
  std::atomic<bool> keeps_moving_{false};
  std::atomic<std::uint64_t> polls_{0};
  std::uint64_t polls_seen_ = 0;  // by the network's own thread
  std::atomic<bool> leading_{false};
  std::atomic<Doorbell*> leader_bell_{nullptr};
  std::mutex following_;
  std::vector<Doorbell*> followers_;  // under following_
  std::atomic<int> on_bells_{0};      // who sleeps in sleep_on_bell
  std::atomic<bool> thread_looks_{true};
};

}  // namespace tutti::message
