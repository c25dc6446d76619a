// Which memory a request lends to the library until it is done.
#pragma once

#include <cstddef>

#include "collectives/request.hpp"
#include "collectives/rows.hpp"
#include "collectives/shares.hpp"

namespace tutti {

// Calls lent(data, bytes, written) for each part of the send buffer, then of the receive buffer.
template <typename Lent>
void for_user_buffers(const Request& request, int self, int ranks, const Lent& lent) {
  if (request.kind == OperationKind::kBarrier) return;
  if (!reduces(request.kind)) {
    const Rows rows(request, self, ranks);
    for (int peer = 0; peer < ranks; ++peer) {
      const Rows::Outgoing row = rows.to(peer);
      if (row.moves) lent(row.data, row.bytes, false);
    }
    for (int peer = 0; peer < ranks; ++peer) {
      const Rows::Incoming row = rows.from(peer);
      if (row.moves) lent(row.data, row.bytes, true);
    }
    return;
  }
  const Shares shares(request, ranks);
  const std::size_t size = request.element_bytes();
  for (int owner = 0; owner < ranks; ++owner) {
    const Share share = shares.of(owner);
    lent(request.send + share.first * size, share.count * size, false);
  }
  for (int owner = 0; owner < ranks; ++owner) {
    if (!shares.needed_by(self, owner)) continue;
    lent(request.recv + shares.place(owner) * size, shares.of(owner).count * size, true);
  }
}

}  // namespace tutti
