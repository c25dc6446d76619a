// Memory for bytes that are between two places: sizes are powers of two, and what is given back is
// used again.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <memory>
#include <vector>

namespace tutti::ub {

class Buffers {
 public:
  // nullptr for no bytes. Contents are what the last user left.
  std::byte* take(std::size_t bytes) {
    if (bytes == 0) return nullptr;
    auto& free = free_[size_class(bytes)];
    if (free.empty()) {
      made_.push_back(std::make_unique_for_overwrite<std::byte[]>(std::bit_ceil(bytes)));
      return made_.back().get();
    }
    std::byte* const buffer = free.back();
    free.pop_back();
    return buffer;
  }
  // `bytes` as they were taken with.
  void give_back(std::byte* buffer, std::size_t bytes) {
    if (buffer != nullptr) free_[size_class(bytes)].push_back(buffer);
  }

 private:
  static std::size_t size_class(std::size_t bytes) {
    return static_cast<std::size_t>(std::bit_width(std::bit_ceil(bytes)) - 1);
  }

  std::vector<std::unique_ptr<std::byte[]>> made_;
  std::array<std::vector<std::byte*>, 64> free_;  // last given back, first used
};

}  // namespace tutti::ub
