// Buffers of the two kinds that collectives treat differently, with guard bytes around them.
#pragma once

#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace tutti::test {

enum class Memory { kSymmetric, kPlain };

class Buffer {
 public:
  Buffer(Memory memory, std::size_t bytes) : memory_(memory), bytes_(bytes) {
    void* data = nullptr;
    if (memory == Memory::kSymmetric) {
      EXPECT_EQ(tuttiMemAlloc(&data, bytes + 2 * kGuard), tuttiSuccess)
          << tuttiGetLastError(nullptr);
    } else {
      data = std::malloc(bytes + 2 * kGuard);
    }
    all_ = static_cast<std::byte*>(data);
    std::memset(all_, kFill, bytes + 2 * kGuard);
  }
  ~Buffer() {
    EXPECT_TRUE(guards_hold());
    if (memory_ == Memory::kSymmetric) {
      EXPECT_EQ(tuttiMemFree(all_), tuttiSuccess);
    } else {
      std::free(all_);
    }
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::byte* data() { return all_ + kGuard; }
  std::span<std::byte> bytes() { return {data(), bytes_}; }
  void fill(std::span<const std::byte> from, std::size_t at = 0) {
    if (!from.empty()) std::memcpy(data() + at, from.data(), from.size());
  }
  void wipe() { std::memset(data(), kFill, bytes_); }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr int kFill = 0xA5;
  bool guards_hold() const {
    for (std::size_t i = 0; i < kGuard; ++i) {
      if (all_[i] != std::byte{kFill} || all_[kGuard + bytes_ + i] != std::byte{kFill})
        return false;
    }
    return true;
  }

  Memory memory_;
  std::size_t bytes_;
  std::byte* all_;
};

inline bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace tutti::test
