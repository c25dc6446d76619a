#include "transports/shm/heap_window.hpp"

#include "memory/heap.hpp"
#include "transports/shm/copy_pieces.hpp"
#include "transports/shm/foreign_memory.hpp"
#include "transports/shm/shared_mappings.hpp"

namespace tutti::shm {

namespace {
constexpr std::size_t kManyHeaps = 64;
}

HeapWindow::HeapWindow(Rank rank, const std::vector<PeerHeap>& heaps, bool gets)
    : rank_(rank), kernel_copies_(gets && heaps.size() > kManyHeaps), peers_(heaps.size()) {
  Heap& own = Heap::of_this_process();
  for (std::size_t i = 0; i < heaps.size(); ++i) {
    peers_[i].heap = heaps[i];
    if (heaps[i].this_process) peers_[i].base.store(own.base(), std::memory_order_relaxed);
  }
}

std::span<std::byte> HeapWindow::local() noexcept {
  const Peer& own = peers_[static_cast<std::size_t>(rank_)];
  return {own.base.load(std::memory_order_relaxed), own.heap.file.bytes - HeapHeader::kBytes};
}

std::span<std::byte> HeapWindow::reach(Rank peer, std::size_t offset, std::size_t bytes) {
  Peer& target = peers_[static_cast<std::size_t>(peer)];
  const std::size_t reserve = target.heap.file.bytes - HeapHeader::kBytes;
  if (offset > reserve || bytes > reserve - offset) return {};
  // Acquire pairs with the release in map(): the mapping was made by another stream's thread.
  std::byte* base = target.base.load(std::memory_order_acquire);
  if (base == nullptr) [[unlikely]]
    base = map(peer);
  // Acquire pairs with the release in Heap::allocate.
  const std::size_t given =
      HeapHeader::of(base, target.heap.file.bytes).given.load(std::memory_order_acquire);
  if (offset > given || bytes > given - offset) [[unlikely]]
    return {};
  return {base + offset, bytes};
}

std::byte* HeapWindow::map(Rank rank) {
  Peer& peer = peers_[static_cast<std::size_t>(rank)];
  const std::lock_guard lock(mutex_);
  if (peer.mapping) return peer.mapping->data();
  try {
    peer.mapping = SharedMappings::of_this_process().map(peer.heap.file, "a peer's heap");
  } catch (const Error& error) {
    throw Error(error.code(), error.what(), {rank});
  }
  peer.base.store(peer.mapping->data(), std::memory_order_release);
  return peer.mapping->data();
}

bool HeapWindow::put(Rank peer, std::span<const Piece> pieces) {
  copy_pieces(*this, peer, pieces);
  return true;
}

void HeapWindow::get(std::span<const Fetch> pieces) {
  for_each_peer(pieces, [this](Rank peer, std::span<const Fetch> own) {
    const PeerHeap& from = peers_[static_cast<std::size_t>(peer)].heap;
    if (kernel_copies_ && !from.this_process) {
      read_foreign(from.file.pid, own, from.address);
    } else {
      fetch_pieces(*this, own);
    }
  });
}

}  // namespace tutti::shm
