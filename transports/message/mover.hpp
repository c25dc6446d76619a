// Who moves the frames of a process's links, whatever they go over.
#pragma once

#include <tutti/transport.hpp>

#include "transports/message/ringer.hpp"

namespace tutti::message {

class Mover : public Ringer {
 public:
  // Moves what can be moved. From any thread.
  virtual void poll() noexcept = 0;
  // As Transport::sleep.
  virtual void sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) noexcept = 0;
  // The same where others ring the bell too, who cannot rouse who sleeps on links: the node's
  // thread takes these over at once.
  virtual void sleep_on_bell(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) noexcept = 0;
  // Is there anything that the network has not taken yet?
  virtual bool has_backlog() const noexcept = 0;

 protected:
  ~Mover() = default;
};

}  // namespace tutti::message
