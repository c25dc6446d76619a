#include "transports/shm/process_window.hpp"

#include <algorithm>

#include "transports/shm/copy_pieces.hpp"
#include "transports/shm/foreign_memory.hpp"

namespace tutti::shm {

bool ProcessWindow::put(Rank peer, std::span<const Piece> pieces) {
  copy_pieces(*this, peer, pieces);
  return true;
}

void ProcessWindow::get(std::span<const Fetch> pieces) {
  while (!pieces.empty()) {
    const Rank peer = pieces.front().peer;
    const auto end = std::find_if(pieces.begin(), pieces.end(),
                                  [&](const Fetch& piece) { return piece.peer != peer; });
    const auto own = pieces.first(static_cast<std::size_t>(end - pieces.begin()));
    const Peer& from = peers_[static_cast<std::size_t>(peer)];
    if (from.this_process) {
      fetch_pieces(*this, own);
    } else {
      try {
        read_foreign(from.pid, own);
      } catch (const Error& error) {
        throw Error(error.code(), error.what(), {peer});
      }
    }
    pieces = pieces.subspan(own.size());
  }
}

}  // namespace tutti::shm
