// Memory in which a rank has its peers' segments as far as it has looked at them, or writes what is
// to go there: a range of addresses as large as the segment for each peer, of which only what was
// touched takes memory. An offset in it is one in the peer's segment.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <tutti/transport.hpp>

#include "base/mapping.hpp"

namespace tutti::message {

class Mirrors {
 public:
  Mirrors(int ranks, std::size_t segment_bytes)
      : segment_bytes_(segment_bytes), mirrors_(new Mirror[static_cast<std::size_t>(ranks)]) {}

  std::size_t segment_bytes() const noexcept { return segment_bytes_; }
  // Made at the first call for the peer; tuttiSystemError where there are no addresses left.
  std::byte* of(Rank peer) {
    Mirror& mirror = mirrors_[static_cast<std::size_t>(peer)];
    // Acquire pairs with the release below, by another stream's thread.
    if (std::byte* const made = mirror.data.load(std::memory_order_acquire)) return made;
    const std::lock_guard lock(mutex_);
    if (!mirror.mapping) {
      mirror.mapping = Mapping::sparse(segment_bytes_, 4096, "the mirror of a peer's memory");
      mirror.data.store(mirror.mapping.data(), std::memory_order_release);
    }
    return mirror.mapping.data();
  }

 private:
  struct Mirror {
    std::atomic<std::byte*> data{nullptr};
    Mapping mapping;  // under mutex_
  };
  const std::size_t segment_bytes_;
  std::mutex mutex_;
  std::unique_ptr<Mirror[]> mirrors_;
};

}  // namespace tutti::message
