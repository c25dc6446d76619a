// What a network of datagrams was given to do: known to it by its Operation, and told to whom it
// concerns when it ends.
#pragma once

#include <cstdint>
#include <memory>

#include "transports/packets/fabric.hpp"

namespace tutti::packets {

class Link;

struct Job : Operation {
  enum class Use : std::uint8_t { kSend, kReceive, kWrite };

  explicit Job(Use used) noexcept : use(used) {}

  const Use use;
  std::shared_ptr<Link> link;  // of what is sent or written: it stays until that is over
};

}  // namespace tutti::packets
