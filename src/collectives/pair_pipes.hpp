// The pipes through which private memory is sent to one peer: parts of this rank's pair staging,
// two chunks each, lent to one message at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>

#include "channel/layout.hpp"

namespace tutti {

class PairPipes {
 public:
  static constexpr unsigned kPipes = 4;
  static constexpr unsigned kChunks = 2;

  explicit PairPipes(const ControlLayout& layout)
      : chunk_bytes_(layout.pair_stage_bytes / (std::size_t{kPipes} * kChunks) & ~std::size_t{63}) {
  }

  std::size_t chunk_bytes() const noexcept { return chunk_bytes_; }
  // Where the pipe's first chunk lies in the pair staging; the second follows it.
  std::size_t offset(unsigned pipe) const noexcept {
    return std::size_t{pipe} * kChunks * chunk_bytes_;
  }

  std::optional<unsigned> try_take() noexcept {
    unsigned free = free_.load(std::memory_order_relaxed);
    while (free != 0) {
      const unsigned rest = free & (free - 1);
      // Acquire: pairs with the release of who used the pipe before.
      if (free_.compare_exchange_weak(free, rest, std::memory_order_acquire)) {
        return static_cast<unsigned>(__builtin_ctz(free));
      }
    }
    return std::nullopt;
  }
  void give_back(unsigned pipe) noexcept { free_.fetch_or(1u << pipe, std::memory_order_release); }

 private:
  std::size_t chunk_bytes_;
  std::atomic<unsigned> free_{(1u << kPipes) - 1};  // a bit a pipe
};

}  // namespace tutti
