// The heaps of all ranks' processes as a window; a peer's heap is mapped when it is first seen in
// place. A get is a copy by the kernel where the peers are so many that mapping all of them would
// cost each process more than the copies: page tables for hundreds of heaps.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <tutti/transport.hpp>
#include <vector>

#include "base/mapping.hpp"
#include "memory/shared_file.hpp"

namespace tutti::shm {

struct PeerHeap {
  SharedFileHandle file;       // of the peer's process
  std::uintptr_t address = 0;  // where that process has it
  bool this_process = false;   // then the heap is ours
};

class HeapWindow final : public Window {
 public:
  // `gets`: the kernel lets this process read the others' memory.
  HeapWindow(Rank rank, const std::vector<PeerHeap>& heaps, bool gets);

  std::span<std::byte> local() noexcept override;
  using Window::view;
  void view(std::span<View> pieces) override {
    for (View& piece : pieces) piece.data = reach(piece.peer, piece.offset, piece.bytes).data();
  }
  std::span<std::byte> reach(Rank peer, std::size_t offset, std::size_t bytes) override;
  void commit(Rank, std::size_t, std::size_t) override {}
  bool put(Rank peer, std::span<const Piece> pieces) override;
  void get(std::span<const Fetch> pieces) override;
  void flush(Rank, Nanoseconds) override {}

 private:
  struct Peer {
    PeerHeap heap;
    std::atomic<std::byte*> base{nullptr};
    std::shared_ptr<Mapping> mapping;  // under mutex_
  };
  std::byte* map(Rank peer);

  Rank rank_;
  bool kernel_copies_;
  std::mutex mutex_;
  std::vector<Peer> peers_;
};

}  // namespace tutti::shm
