#include "transports/hybrid/hybrid_windows.hpp"

#include <vector>

namespace tutti::hybrid {

namespace {

// What the near transport says of a peer, by its numbers.
[[noreturn]] void throw_renumbered(const Error& error, Rank peer) {
  throw Error(error.code(), error.what(),
              error.culprits().empty() ? std::vector<int>{} : std::vector<int>{peer});
}

}  // namespace

// Far pieces are on their way together, as one call.
template <typename Contract>
void HybridWindow<Contract>::view(std::span<View> pieces) {
  std::vector<View> far;
  for (View& piece : pieces) {
    if (is_near(piece.peer)) {
      piece.data = near_->view(place(piece.peer), piece.offset, piece.bytes).data();
    } else {
      far.push_back(piece);
    }
  }
  if (far.empty()) return;
  far_->view(far);
  auto found = far.begin();
  for (View& piece : pieces) {
    if (!is_near(piece.peer)) piece.data = (found++)->data;
  }
}

template <typename Contract>
std::span<std::byte> HybridWindow<Contract>::reach(Rank peer, std::size_t offset,
                                                   std::size_t bytes) {
  return is_near(peer) ? near_->reach(place(peer), offset, bytes)
                       : far_->reach(peer, offset, bytes);
}

template <typename Contract>
void HybridWindow<Contract>::commit(Rank peer, std::size_t offset, std::size_t bytes) {
  is_near(peer) ? near_->commit(place(peer), offset, bytes) : far_->commit(peer, offset, bytes);
}

template <typename Contract>
bool HybridWindow<Contract>::put(Rank peer, std::span<const Piece> pieces) {
  if (!is_near(peer)) return far_->put(peer, pieces);
  try {
    return near_->put(place(peer), pieces);
  } catch (const Error& error) {
    throw_renumbered(error, peer);
  }
}

template <typename Contract>
void HybridWindow<Contract>::get(std::span<const Fetch> pieces) {
  std::vector<Fetch> far;
  for (const Fetch& piece : pieces) {
    if (!is_near(piece.peer)) {
      far.push_back(piece);
      continue;
    }
    const Fetch near{
        .peer = place(piece.peer), .destination = piece.destination, .offset = piece.offset};
    try {
      near_->get({&near, 1});
    } catch (const Error& error) {
      throw_renumbered(error, piece.peer);
    }
  }
  if (!far.empty()) far_->get(far);
}

template <typename Contract>
void HybridWindow<Contract>::flush(Rank peer, Nanoseconds timeout) {
  is_near(peer) ? near_->flush(place(peer), timeout) : far_->flush(peer, timeout);
}

template class HybridWindow<Window>;
template class HybridWindow<ControlWindow>;

}  // namespace tutti::hybrid
