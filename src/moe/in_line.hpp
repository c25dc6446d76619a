// What a pair of ranks has to tell each other about a few rows travels in the lines themselves,
// behind a header of 24 bytes: on a supernode most pairs share few tokens, and reading them
// elsewhere would take a way there and back.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <tutti/transport.hpp>

#include "channel/channel.hpp"
#include "moe/routing.hpp"

namespace tutti::moe {

inline constexpr std::size_t kLineHeaderBytes = 24;
// Items of four bytes.
inline constexpr std::size_t kMostInLine =
    (LineContent::kPayloadBytes - kLineHeaderBytes) / sizeof(std::uint32_t);

// What is read elsewhere of `count` items, in lines of the cache that somebody waits for.
constexpr std::size_t lines_beside(std::size_t count, std::size_t item_bytes) {
  return count <= kMostInLine ? 0 : (count * item_bytes + sizeof(Line) - 1) / sizeof(Line);
}

template <typename Item>
void write_in_line(LineContent& content, std::span<const Item> items) {
  static_assert(sizeof(Item) == sizeof(std::uint32_t));
  std::memcpy(content.payload + kLineHeaderBytes, items.data(), items.size_bytes());
}

// Of a line that stays as it is while the span is used.
template <typename Item>
std::span<const Item> items_in_line(const Line& line, std::size_t count) {
  static_assert(sizeof(Item) == sizeof(std::uint32_t));
  return {reinterpret_cast<const Item*>(line.payload + kLineHeaderBytes), count};
}

// A MemoryRef in eight bytes: of an offset 63 bits are enough. What lies below the heap's base has
// a negative one (Channel::refer).
class ShortRef {
 public:
  ShortRef() = default;
  explicit ShortRef(const MemoryRef& ref)
      : bits_(ref.offset << 1 | static_cast<std::uint64_t>(ref.where)) {}
  MemoryRef ref() const {
    const auto offset = static_cast<std::uint64_t>(static_cast<std::int64_t>(bits_) >> 1);
    return {static_cast<MemoryRef::Where>(bits_ & 1), offset};
  }

 private:
  std::uint64_t bits_ = 0;
};

// Longer ones are not told: such rows are copied first.
inline constexpr std::size_t kMostStride = UINT32_MAX;

// An entry in four bytes: of the first 65536 tokens, and the first 1024 experts of a rank, that
// travels without a relay.
constexpr bool is_short(const Entry& entry) {
  return entry.token < 1u << 16 && entry.expert() < 1u << 10 && entry.via() == Entry::kDirect;
}
constexpr std::uint32_t shortened(const Entry& entry) {
  return entry.token | entry.lane() << 16 | entry.expert() << 22;
}
constexpr Entry lengthened(std::uint32_t entry) {
  return Entry::make(entry & 0xffffu, entry >> 16 & 63u, entry >> 22);
}

}  // namespace tutti::moe
