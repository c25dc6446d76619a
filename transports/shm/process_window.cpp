#include "transports/shm/process_window.hpp"

#include "transports/shm/copy_pieces.hpp"
#include "transports/shm/foreign_memory.hpp"

namespace tutti::shm {

bool ProcessWindow::put(Rank peer, std::span<const Piece> pieces) {
  copy_pieces(*this, peer, pieces);
  return true;
}

void ProcessWindow::get(std::span<const Fetch> pieces) {
  for_each_peer(pieces, [this](Rank peer, std::span<const Fetch> own) {
    const Peer& from = peers_[static_cast<std::size_t>(peer)];
    if (from.this_process) {
      fetch_pieces(*this, own);
    } else {
      read_foreign(from.pid, own);
    }
  });
}

}  // namespace tutti::shm
