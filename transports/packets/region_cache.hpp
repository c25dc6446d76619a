// Memory that remote writes leave from and go to, registered with the network.
//
// Registrations are kept where it is known how long the memory lives: allocations of the process's
// heap, which tells when they are freed, and ranges that were declared. Of other memory nobody
// hears when it is unmapped, so that it is registered for one transfer; networks whose
// registrations take long and who can hear of that have a cache of their own.
//
// Places and sources are registered apart: a place is closed when a write there has failed, whoever
// else is being written there, and sources cannot be while they are read.
//
// Invariants: a kept registration is of a known range, or a part of it, and goes before that range
// does, as soon as no transfer uses it. What is kept beyond the limits is what transfers use.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "memory/heap.hpp"
#include "transports/packets/fabric.hpp"

namespace tutti::packets {

// Registered memory, as long as somebody has it.
class Registration {
 public:
  // `region`: nullptr where the network does not want it.
  Registration(std::span<std::byte> memory, std::unique_ptr<Region> region, RemoteAddress remote)
      : memory_(memory), region_(std::move(region)), remote_(remote) {}

  std::span<std::byte> memory() const noexcept { return memory_; }
  // Of a source.
  const Region* region() const noexcept { return region_.get(); }
  // Of a byte of a place.
  RemoteAddress address_of(const std::byte* byte) const noexcept {
    return {remote_.address + static_cast<std::uint64_t>(byte - memory_.data()), remote_.key};
  }

 private:
  friend class RegionCache;

  const std::span<std::byte> memory_;
  std::unique_ptr<Region> region_;  // of a place under the cache's lock
  const RemoteAddress remote_;
};

class RegionCache final : private HeapWatcher {
 public:
  struct Limits {
    std::size_t regions = 256;
    std::size_t bytes = std::size_t{1} << 30;
  };
  struct Counts {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;     // registered, and kept
    std::uint64_t passing = 0;    // registered for one transfer
    std::uint64_t evicted = 0;    // for others
    std::uint64_t forgotten = 0;  // whose memory went
  };
  using Lent = std::shared_ptr<Registration>;
  enum class Use : std::uint8_t { kSource, kPlace };

  // `fabric`, which has a writer, outlives it.
  explicit RegionCache(Fabric& fabric) : RegionCache(fabric, Limits{}) {}
  RegionCache(Fabric& fabric, const Limits& limits);
  ~RegionCache();
  RegionCache(const RegionCache&) = delete;
  RegionCache& operator=(const RegionCache&) = delete;

  // For writes that leave from there, or go there. nullptr: there is no such memory, or the network
  // takes no more. From any thread.
  Lent lend_source(std::span<const std::byte> memory);
  Lent lend_place(std::span<std::byte> memory) { return lend(memory, Use::kPlace); }
  // Nothing is written to that place any more, for anybody who has it.
  void close(const Lent& place) noexcept;

  // Between the two calls the range stays where it is. Several may declare one.
  void declare(std::span<std::byte> memory);
  void undeclare(std::span<const std::byte> memory) noexcept;
  // It goes: its registrations end with the transfers that have them.
  void forget(std::span<const std::byte> memory) noexcept;

  Counts counts() const;
  std::size_t kept_bytes() const;
  std::size_t kept() const;

 private:
  struct Kept {
    Use use;
    Lent lent;
  };

  void on_free(std::span<const std::byte> memory) noexcept override { forget(memory); }
  std::optional<std::span<std::byte>> known_around(std::span<std::byte> memory);
  Lent lend(std::span<std::byte> memory, Use use);
  // Under mutex_; nullptr: the network takes no more.
  Lent keep(std::span<std::byte> memory, std::span<std::byte> known, Use use);
  Lent find(std::span<const std::byte> memory, Use use);
  Lent make(std::span<std::byte> memory, Use use);
  void evict_beyond(const Limits& limits) noexcept;

  Fabric& fabric_;
  const Limits limits_;
  // Grows before a range that was known goes: who found one before it looks again.
  std::atomic<std::uint64_t> gone_{0};

  mutable std::mutex mutex_;  // everything below; the heap's lock is taken before it
  Heap* heap_ = nullptr;      // that this watches
  std::vector<std::span<std::byte>> declared_;
  std::list<Kept> kept_;  // the one that was used last first
  std::size_t kept_bytes_ = 0;
  Counts counts_;
};

}  // namespace tutti::packets
