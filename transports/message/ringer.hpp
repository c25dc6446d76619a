// Who wakes those that sleep on a doorbell of this process.
#pragma once

#include <tutti/transport.hpp>

namespace tutti::message {

class Ringer {
 public:
  // After the store of what the sleeper waits for: it announced itself before it looked (Waiter),
  // so either that look sees the store, or this call sees the sleeper. From any thread.
  virtual void ring(Doorbell& bell) noexcept = 0;

 protected:
  ~Ringer() = default;
};

}  // namespace tutti::message
