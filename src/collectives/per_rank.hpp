// A list of pointers, one a rank, without allocation for up to 64 ranks.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace tutti {

template <typename Pointer>
class PerRank {
 public:
  explicit PerRank(int ranks) : size_(static_cast<std::size_t>(ranks)) {
    if (size_ > kInline) many_.resize(size_);
  }
  Pointer& operator[](int rank) { return data()[static_cast<std::size_t>(rank)]; }
  std::span<const Pointer> all() { return {data(), size_}; }

 private:
  static constexpr std::size_t kInline = 64;
  Pointer* data() { return size_ > kInline ? many_.data() : few_.data(); }

  std::size_t size_;
  std::array<Pointer, kInline> few_;
  std::vector<Pointer> many_;
};

}  // namespace tutti
