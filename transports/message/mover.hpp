// Who moves the frames of a process's links, whatever they go over; threads that have nothing else
// to do sleep here until there are some.
#pragma once

#include <tutti/transport.hpp>

#include "transports/message/ringer.hpp"
#include "transports/message/sleepers.hpp"

namespace tutti::message {

class Mover : public Ringer, protected Sleepers::Network {
 public:
  // Moves what can be moved. From any thread.
  void poll() noexcept override = 0;
  // Is there anything that the network has not taken yet?
  virtual bool has_backlog() const noexcept = 0;

  // As Transport::sleep.
  void sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) noexcept {
    sleepers_.sleep(bell, seen, timeout);
  }
  // The same where others ring the bell too, who cannot rouse who sleeps on links: the network's
  // own thread takes these over at once.
  void sleep_on_bell(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) noexcept {
    sleepers_.sleep_on_bell(bell, seen, timeout);
  }
  void ring(Doorbell& bell) noexcept override { sleepers_.ring(bell); }

  // As those of Sleepers.
  void keep_moving(bool on) noexcept { sleepers_.keep_moving(on); }
  bool has_waited(std::uint64_t& polls) const noexcept { return sleepers_.has_waited(polls); }
  bool is_moved_by_callers() const noexcept { return sleepers_.is_moved_by_callers(); }

 protected:
  ~Mover() = default;

  Sleepers sleepers_{*this};
};

}  // namespace tutti::message
