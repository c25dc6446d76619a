// A list of something small, one a rank, without allocation for up to 64 ranks.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace tutti {

template <typename T>
class PerRank {
 public:
  explicit PerRank(int ranks) : size_(static_cast<std::size_t>(ranks)) {
    if (size_ > kInline) many_.resize(size_);
  }
  T& operator[](int rank) { return data()[static_cast<std::size_t>(rank)]; }
  std::span<T> all() { return {data(), size_}; }

 private:
  static constexpr std::size_t kInline = 64;
  T* data() { return size_ > kInline ? many_.data() : few_.data(); }

  std::size_t size_;
  std::array<T, kInline> few_;
  std::vector<T> many_;
};

}  // namespace tutti
