#include "communicator/setup_board.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

namespace tutti {

namespace {

// The board as its owner fills it, the rest of a part zero.
struct Content {
  std::uint64_t value;
  std::uint64_t bytes;
  std::uint64_t sum;
  std::array<std::byte, SetupBoard::kPartBytes> part;
};
using Words = std::array<std::uint64_t, ControlLayout::kBoardBytes / sizeof(std::uint64_t)>;
static_assert(sizeof(Content) == sizeof(Words));

// FNV-1a over words, with no sum.
std::uint64_t sum_of(Content content) {
  content.sum = 0;
  std::uint64_t sum = 0xCBF29CE484222325u;
  for (const std::uint64_t word : std::bit_cast<Words>(content)) {
    sum = (sum ^ word) * 0x100000001B3u;
  }
  return sum;
}

}  // namespace

// Relaxed on both sides: the line that announces the board releases it, and who has not acquired
// that line finds a wrong sum.
void SetupBoard::write(std::span<std::byte> board, std::uint64_t value, std::uint64_t bytes,
                       std::span<const std::byte> part) {
  Content content{.value = value, .bytes = bytes, .sum = 0, .part = {}};
  std::copy(part.begin(), part.end(), content.part.begin());
  content.sum = sum_of(content);
  auto* to = reinterpret_cast<std::uint64_t*>(board.data());
  for (const std::uint64_t word : std::bit_cast<Words>(content)) {
    std::atomic_ref(*to++).store(word, std::memory_order_relaxed);
  }
}

std::optional<std::uint64_t> SetupBoard::read(std::span<const std::byte> board, std::uint64_t value,
                                              std::span<std::byte> part) {
  // atomic_ref takes no const; nothing is written.
  auto* from = reinterpret_cast<std::uint64_t*>(const_cast<std::byte*>(board.data()));
  Words words;
  for (std::uint64_t& word : words) {
    word = std::atomic_ref(*from++).load(std::memory_order_relaxed);
  }
  const auto content = std::bit_cast<Content>(words);
  if (content.value != value || content.sum != sum_of(content)) return std::nullopt;
  std::copy_n(content.part.begin(), part.size(), part.begin());
  return content.bytes;
}

}  // namespace tutti
