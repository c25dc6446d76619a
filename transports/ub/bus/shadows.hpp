// What Window::reach gives on the bus: memory of the writer's, which commit() sends.
#pragma once

#include <cstring>
#include <tutti/transport.hpp>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "transports/ub/bus/buffers.hpp"

namespace tutti::ub {

// The shadows of one rank and window that are open: reached, and not committed to the end. What is
// committed without having been written is kUnwritten, in every run.
class Shadows {
 public:
  static constexpr int kUnwritten = 0xa5;

  Shadows(Buffers& buffers, int ranks)
      : buffers_(buffers), first_(static_cast<std::size_t>(ranks), kNone) {}
  ~Shadows() {
    std::size_t open = 0;
    for (std::uint32_t& first : first_) {
      for (; first != kNone; ++open) close(first);
    }
    if (open > 0) TUTTI_INFO(kMem, "{} places were reached and never committed", open);
  }
  Shadows(const Shadows&) = delete;
  Shadows& operator=(const Shadows&) = delete;

  // The same memory for the same place until it is committed.
  std::span<std::byte> open(Rank peer, std::size_t offset, std::size_t bytes) {
    std::uint32_t& first = first_[static_cast<std::size_t>(peer)];
    for (std::uint32_t id = first; id != kNone; id = shadows_[id].next) {
      const Shadow& shadow = shadows_[id];
      if (shadow.offset == offset && shadow.bytes == bytes) return {shadow.memory, bytes};
    }
    if (free_ == kNone) {
      shadows_.emplace_back();
      free_ = static_cast<std::uint32_t>(shadows_.size() - 1);
    }
    const std::uint32_t id = free_;
    Shadow& shadow = shadows_[id];
    free_ = shadow.next;
    shadow = {.offset = offset,
              .bytes = bytes,
              .uncommitted = bytes,
              .memory = buffers_.take(bytes),
              .next = first};
    first = id;
    if (bytes > 0) std::memset(shadow.memory, kUnwritten, bytes);
    return {shadow.memory, bytes};
  }

  // What was written there, in a buffer that is the caller's now.
  std::byte* take(Rank peer, std::size_t offset, std::size_t bytes) {
    std::uint32_t* link = &first_[static_cast<std::size_t>(peer)];
    for (; *link != kNone; link = &shadows_[*link].next) {
      Shadow& shadow = shadows_[*link];
      if (offset < shadow.offset || bytes > shadow.bytes ||
          offset - shadow.offset > shadow.bytes - bytes) {
        continue;
      }
      if (bytes == shadow.bytes) {
        std::byte* const memory = shadow.memory;
        shadow.memory = nullptr;
        close(*link);
        return memory;
      }
      std::byte* const part = buffers_.take(bytes);
      if (bytes > 0) std::memcpy(part, shadow.memory + (offset - shadow.offset), bytes);
      shadow.uncommitted -= std::min(shadow.uncommitted, bytes);
      if (shadow.uncommitted == 0) close(*link);
      return part;
    }
    fail(tuttiInternalError, "a commit of {} bytes at offset {} of rank {}, which were not reached",
         bytes, offset, peer);
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Shadow {
    std::size_t offset = 0;
    std::size_t bytes = 0;
    std::size_t uncommitted = 0;
    std::byte* memory = nullptr;
    std::uint32_t next = kNone;
  };

  void close(std::uint32_t& link) {
    const std::uint32_t id = link;
    Shadow& shadow = shadows_[id];
    buffers_.give_back(shadow.memory, shadow.bytes);
    link = shadow.next;
    shadow.next = free_;
    free_ = id;
  }

  Buffers& buffers_;
  std::vector<std::uint32_t> first_;  // [peer]: the latest that was opened
  std::vector<Shadow> shadows_;
  std::uint32_t free_ = kNone;
};

}  // namespace tutti::ub
