// A put where stores reach: copies every piece to its place in the peer's segment.
#pragma once

#include <tutti/transport.hpp>

#include "base/error.hpp"
#include "kernels/copy.hpp"

namespace tutti::shm {

inline void copy_pieces(Window& window, Rank peer, std::span<const Piece> pieces) {
  for (const Piece& piece : pieces) {
    const auto target = window.reach(peer, piece.offset, piece.source.size());
    if (target.size() != piece.source.size()) {
      fail(tuttiInternalError, "a put of {} bytes at offset {} leaves rank {}'s segment",
           piece.source.size(), piece.offset, peer);
    }
    kernels::copy(target.data(), piece.source.data(), piece.source.size());
  }
}

}  // namespace tutti::shm
