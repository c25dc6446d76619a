// The content of a frame that the peer writes to its place itself, one at a time for a link, whose
// stream goes on when all of it is there. Of that link, under its lock of receiving.
//
// Arrivals are counted by landing: a number that the peer's writes bring, and that no other
// transfer has. After a failure the place gets a new one, so that what comes late counts for
// nothing; the registration that it used is closed, so that it changes nothing either.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "transports/packets/landings.hpp"
#include "transports/packets/packet.hpp"
#include "transports/packets/region_cache.hpp"

namespace tutti::packets {

class Arrival {
 public:
  // Both outlive it.
  Arrival(RegionCache& regions, Landings& landings) : regions_(regions), landings_(landings) {}
  ~Arrival() { end(); }
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;

  struct Offer {
    std::uint64_t number = 0;  // of the packet that made it
    std::uint32_t writes = 0;
  };
  // Nothing: the place cannot be registered.
  std::optional<Grant> open(const Offer& offer, std::span<std::byte> place,
                            std::shared_ptr<Link> link);
  // Again, elsewhere for who writes.
  std::optional<Grant> reopen(std::shared_ptr<Link> link);

  bool is_awaited() const noexcept { return writes_left_ != 0; }
  bool is_of(std::uint64_t offer) const noexcept { return is_awaited() && offer_.number == offer; }
  const Grant& grant() const noexcept { return grant_; }

  // A write has come. True: it was the last of this arrival, which is over.
  bool on_written(std::uint32_t landing) noexcept;
  // The memory goes while it is awaited: nothing is written there any more.
  void lose_place() noexcept;
  bool has_place() const noexcept { return registration_ != nullptr; }
  // Nothing is awaited, and nothing is written there any more.
  void end() noexcept;

 private:
  void close() noexcept;

  RegionCache& regions_;
  Landings& landings_;
  Offer offer_;
  std::span<std::byte> place_;
  RegionCache::Lent registration_;
  Grant grant_;
  std::uint32_t writes_left_ = 0;
};

}  // namespace tutti::packets
