// Which parts of [0, size) are free: arithmetic only, no memory is touched.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

namespace tutti {

// Invariant: ranges do not overlap and do not touch (neighbours are joined).
class FreeRanges {
 public:
  explicit FreeRanges(std::size_t size) { ranges_.emplace(0, size); }

  // The lowest offset, a multiple of `alignment`, where `bytes` are free; they are then taken.
  std::optional<std::size_t> take(std::size_t bytes, std::size_t alignment);

  // Gives back exactly what one or more takes returned.
  void give(std::size_t offset, std::size_t bytes);

  std::size_t count() const noexcept { return ranges_.size(); }

 private:
  std::map<std::size_t, std::size_t> ranges_;  // offset -> bytes
};

}  // namespace tutti
