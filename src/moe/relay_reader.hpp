// What a rank's mates have relayed for it: where the part of a token lies at the mate that its
// entries name.
#pragma once

#include <span>
#include <vector>

#include "channel/operation.hpp"
#include "moe/in_line.hpp"
#include "moe/relay_block.hpp"

namespace tutti::moe {

class RelayReader {
 public:
  // `mates`: as Relays has them. All outlive it.
  RelayReader(const Operation& operation, std::span<const Rank> mates)
      : operation_(operation), channel_(operation.channel()), mates_(mates) {}

  // What this rank has relayed is there: tells its mates where.
  void tell(const RelayBlock& block);
  // Waits for the mates that entries[r], of source r, name, until what they relay is there.
  void hear(std::span<const std::span<const Entry>> entries);

  // Which of a mate's two blocks.
  enum class Of : std::uint8_t { kRows, kSide };
  // The part of a token of `source` that mate number `mate` has relayed: `destination` is as long
  // as it. A mate that has not: tuttiRemoteError, naming the source that says so.
  Fetch fetch(Of of, std::uint32_t mate, Rank source, std::uint32_t token,
              std::span<std::byte> destination) const;

 private:
  // The line of a mate.
  struct Told {
    std::uint64_t table_offset;  // in its heap, as the others
    std::uint64_t rows_offset;
    std::uint64_t side_offset;
    std::uint32_t tokens;
  };
  static_assert(sizeof(Told) <= LineContent::kPayloadBytes);
  struct Mate {
    Told told{};
    const std::uint32_t* table = nullptr;  // [R + 1 + told.tokens]
  };

  [[noreturn]] void raise_strange(Rank source, std::uint32_t token) const;

  const Operation& operation_;
  Channel& channel_;
  std::span<const Rank> mates_;
  std::vector<Mate> heard_;  // by number of the mate
};

}  // namespace tutti::moe
