#include "transports/shm/process_window.hpp"

#include "transports/shm/copy_pieces.hpp"
#include "transports/shm/foreign_memory.hpp"

namespace tutti::shm {

bool ProcessWindow::put(Rank peer, std::span<const Piece> pieces) {
  copy_pieces(*this, peer, pieces);
  return true;
}

void ProcessWindow::get(Rank peer, std::span<const Fetch> pieces) {
  const Peer& from = peers_[static_cast<std::size_t>(peer)];
  if (from.this_process) {
    fetch_pieces(*this, peer, pieces);
  } else {
    read_foreign(from.pid, pieces);
  }
}

}  // namespace tutti::shm
