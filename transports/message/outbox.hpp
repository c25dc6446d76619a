// Frames on their way out, in order: each a short head, copied, and a content that is read where it
// lies. Knows no socket.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "transports/message/frame.hpp"

namespace tutti::message {

class Outbox {
 public:
  static constexpr std::size_t kMostHeadBytes = kFrameBytes + kPostBytes;
  static constexpr std::size_t kNone = ~std::size_t{0};

  // Memory that is read until its frame has left.
  struct Reference {
    std::span<const std::byte> bytes{};
    std::uint32_t port = 0;     // whose it is (Outbox::forget)
    std::uint32_t request = 0;  // the kGet that it answers; 0: none
  };

  void push(std::span<const std::byte> head, const Reference& content);
  // The content comes along.
  void push(std::span<const std::byte> head, std::vector<std::byte> content);

  bool empty() const noexcept { return count_ == 0; }
  std::size_t frames() const noexcept { return count_; }
  // Of frames that were ever pushed, and those of them that have left.
  std::uint64_t pushed() const noexcept { return left_ + count_; }
  std::uint64_t left() const noexcept { return left_; }

  // What leaves next, at most `most` bytes; returns how many entries. `named`: whether that is
  // memory that somebody has named, which may not be there. It ends before a later frame with
  // `large` bytes of such memory.
  std::size_t gather(std::span<iovec> parts, std::size_t most, bool* named = nullptr,
                     std::size_t large = kNone) const;
  // Of the frame that leaves next, if none of it has left and it has `large` bytes of memory that
  // somebody has named: its head. Empty: it is another one.
  std::span<const std::byte> head_of_large(std::size_t large) const noexcept;
  // Content of the frame that leaves next, where it lies; empty: it has become zeros.
  std::span<const std::byte> named_content() const noexcept;
  // So many bytes of it have left.
  void consume(std::size_t bytes);

  // The memory with which gather() begins cannot be read. Zeros leave instead of it; the answer
  // that it belongs to ends with a word that says so. Returns its port, or 0 when it was an answer.
  std::uint32_t spoil();
  // The memory of this port is not read any more: what has not begun to leave does not, and of the
  // rest zeros do. Answers end with a word that says so.
  void forget(std::uint32_t port);

 private:
  struct Entry {
    std::array<std::byte, kMostHeadBytes> head;
    std::uint32_t head_bytes = 0;
    std::uint32_t head_left = 0;
    bool zeros = false;
    std::uint32_t port = 0;
    std::uint32_t request = 0;
    const std::byte* data = nullptr;
    std::size_t bytes = 0;
    std::vector<std::byte> own;

    bool is_named() const noexcept { return bytes > 0 && !zeros && own.empty(); }
    bool is_large(std::size_t large) const noexcept {
      return bytes >= large && head_left == head_bytes && is_named();
    }
  };

  Entry& at(std::size_t i) noexcept { return ring_[(first_ + i) & (ring_.size() - 1)]; }
  const Entry& at(std::size_t i) const noexcept { return ring_[(first_ + i) & (ring_.size() - 1)]; }
  Entry& make_entry(std::span<const std::byte> head);
  void fail_answer(std::uint32_t request);
  static bool is_end(const Entry& entry) noexcept;

  std::vector<Entry> ring_{16};  // a power of two
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::uint64_t left_ = 0;
};

}  // namespace tutti::message
