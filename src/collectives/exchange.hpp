// Everything that only moves data - all-to-all, all-gather, broadcast, gather, scatter and their
// v-forms - is one exchange: rows from whoever has them to whoever needs them. A row goes
//   inline    in the entry line itself, up to 24 bytes,
//   eager     copied to the sender's staging and read there; nobody waits at the end,
//   in place  read from the sender's buffer, who waits until that is done: by loads, or by one copy
//             of the transport's (Window::get) where they do not reach,
//   staged    in chunks through the sender's staging (staged_rows.hpp),
// as the sender says in its entry: ranks with different kinds of buffers mix freely.
#pragma once

#include "channel/operation.hpp"
#include "collectives/request.hpp"
#include "collectives/selection.hpp"

namespace tutti {

// What a sender says about its row.
struct ExchangeEntry {
  enum class Way : std::uint32_t { kInline, kEager, kInPlace, kStaged };
  static constexpr std::size_t kInlineBytes = 24;

  std::uint64_t bytes;
  Way way;
  std::uint32_t chunk_bytes;  // staged: each of the pipe's two chunks
  union {
    std::byte data[kInlineBytes];
    MemoryRef place;               // in place
    std::uint64_t staging_offset;  // eager, staged
  };
};
static_assert(sizeof(ExchangeEntry) <= LineContent::kPayloadBytes);

void exchange(const Operation& operation, const Request& request, const Selection& selection);

// `from` sends `to` so many bytes, which expects another number: tuttiMismatch everywhere.
[[noreturn]] void raise_mismatch(const Operation& operation, Rank from, Rank to, std::size_t sent,
                                 std::size_t expected);

}  // namespace tutti
