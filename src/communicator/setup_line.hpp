// What a set-up line says: which exchange its writer is in, how far, and whether the reader is a
// member of it.
//
//   value  key (32 bits) | meeting (16) | mark (16)
//   stamp  key | meeting | 1 bit: the reader is a member
//
// The stamp is written before the value and repeats its tag, so that a reader who meets a line
// while it is overwritten sees that the two do not belong together.
#pragma once

#include <cstdint>
#include <span>
#include <tutti/transport.hpp>

namespace tutti {

// Tells apart what the same members may set up at the same time.
enum class SetupPurpose : std::uint64_t {
  kSplit,
  kSplitGroup,
  kShrink,
  kDuplicate,
  kFinalize,
  kWindow
};

// Which exchange: a key, that all who mean the same purpose and members share without a word, and
// the number of the meeting among those.
struct SetupTag {
  std::uint32_t key = 0;
  std::uint16_t meeting = 0;

  bool operator==(const SetupTag&) const = default;

  // FNV-1a of the purpose and the members.
  static std::uint32_t key_of(SetupPurpose purpose, std::span<const Rank> members) {
    std::uint64_t hash = mix(0xCBF29CE484222325u, static_cast<std::uint64_t>(purpose));
    for (const Rank member : members) hash = mix(hash, static_cast<std::uint64_t>(member));
    return static_cast<std::uint32_t>(hash >> 32);
  }

  std::uint64_t value(std::uint16_t mark) const {
    return std::uint64_t{key} << 32 | std::uint64_t{meeting} << 16 | mark;
  }
  std::uint64_t stamp(bool reader_is_member) const {
    return value(0) >> 15 | (reader_is_member ? 1u : 0u);
  }

  // The other tag is of a later meeting of the same exchange; modulo 2^16.
  bool is_before(const SetupTag& other) const {
    return key == other.key && static_cast<std::int16_t>(other.meeting - meeting) > 0;
  }

 private:
  static std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
    for (int byte = 0; byte < 8; ++byte, word >>= 8) {
      hash = (hash ^ (word & 0xFF)) * 0x100000001B3u;
    }
    return hash;
  }
};

// A line as it was read.
struct SetupMark {
  SetupTag tag;
  std::uint16_t mark = 0;
  std::uint64_t stamp = 0;

  // In a round a rank shows 2 * round + 1, "my board is filled", then 2 * round + 2, "I have read
  // yours". If it gives up, the last "I have read" with this bit.
  static constexpr std::uint16_t kWithdrawn = 0x8000;

  static SetupMark of(std::uint64_t value, std::uint64_t stamp) {
    return {.tag = {.key = static_cast<std::uint32_t>(value >> 32),
                    .meeting = static_cast<std::uint16_t>(value >> 16)},
            .mark = static_cast<std::uint16_t>(value),
            .stamp = stamp};
  }

  std::uint64_t value() const { return tag.value(mark); }
  bool withdrawn() const { return (mark & kWithdrawn) != 0; }
  bool reached(std::uint16_t wanted) const { return (mark & ~kWithdrawn) >= wanted; }
  // The writer waits, with a filled board, for the marks of the members.
  bool waits() const { return (mark & 1) != 0; }
  bool includes_reader() const { return stamp == tag.stamp(true); }
  // Zeroed lines, from before the first exchange, say nothing.
  bool excludes_reader() const { return mark != 0 && stamp == tag.stamp(false); }
};

}  // namespace tutti
