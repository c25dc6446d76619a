// The address space as a window: offsets are addresses. Ranks of one process read and write each
// other's buffers in place; from another process the kernel copies, in one pass and without the
// peer's help, where it allows that.
#pragma once

#include <tutti/transport.hpp>
#include <utility>
#include <vector>

namespace tutti::shm {

class ProcessWindow final : public Window {
 public:
  struct Peer {
    int pid = 0;
    bool this_process = false;
  };
  explicit ProcessWindow(std::vector<Peer> peers) : peers_(std::move(peers)) {}

  std::span<std::byte> local() noexcept override { return {}; }
  using Window::view;
  void view(std::span<View> pieces) override {
    for (View& piece : pieces) piece.data = reach(piece.peer, piece.offset, piece.bytes).data();
  }
  std::span<std::byte> reach(Rank peer, std::size_t offset, std::size_t bytes) override {
    if (!peers_[static_cast<std::size_t>(peer)].this_process) return {};
    return {reinterpret_cast<std::byte*>(offset), bytes};
  }
  void commit(Rank, std::size_t, std::size_t) override {}
  bool put(Rank peer, std::span<const Piece> pieces) override;
  void get(std::span<const Fetch> pieces) override;
  void flush(Rank, Nanoseconds) override {}

 private:
  std::vector<Peer> peers_;
};

}  // namespace tutti::shm
