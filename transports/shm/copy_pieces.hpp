// Puts and gets where stores and loads reach: every piece is copied to, or from, its place in the
// peer's segment.
#pragma once

#include <algorithm>
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

// Calls body(rank, pieces) for each run of pieces of one peer.
template <typename Body>
void for_each_peer(std::span<const Fetch> pieces, const Body& body) {
  while (!pieces.empty()) {
    const Rank peer = pieces.front().peer;
    const auto end = std::find_if(pieces.begin(), pieces.end(),
                                  [&](const Fetch& piece) { return piece.peer != peer; });
    const auto own = pieces.first(static_cast<std::size_t>(end - pieces.begin()));
    body(peer, own);
    pieces = pieces.subspan(own.size());
  }
}

inline void fetch_pieces(Window& window, std::span<const Fetch> pieces) {
  for (const Fetch& piece : pieces) {
    const auto source = window.view(piece.peer, piece.offset, piece.destination.size());
    if (source.size() != piece.destination.size()) {
      fail_because_of({piece.peer}, tuttiInternalError,
                      "a get of {} bytes at offset {} leaves rank {}'s segment",
                      piece.destination.size(), piece.offset, piece.peer);
    }
    kernels::copy(piece.destination.data(), source.data(), source.size());
  }
}

}  // namespace tutti::shm
