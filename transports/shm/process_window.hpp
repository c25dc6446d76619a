// The address space as a window: ranks of one process read and write each other's buffers in place.
// Offsets are addresses.
#pragma once

#include <tutti/transport.hpp>
#include <utility>
#include <vector>

#include "transports/shm/copy_pieces.hpp"

namespace tutti::shm {

class ProcessWindow final : public Window {
 public:
  // same_process[r]: rank r lives in this process.
  explicit ProcessWindow(std::vector<bool> same_process) : same_process_(std::move(same_process)) {}

  std::span<std::byte> local() noexcept override { return {}; }
  std::span<const std::byte> view(Rank peer, std::size_t offset, std::size_t bytes) override {
    return reach(peer, offset, bytes);
  }
  std::span<std::byte> reach(Rank peer, std::size_t offset, std::size_t bytes) override {
    if (!same_process_[static_cast<std::size_t>(peer)]) return {};
    return {reinterpret_cast<std::byte*>(offset), bytes};
  }
  void commit(Rank, std::size_t, std::size_t) override {}
  bool put(Rank peer, std::span<const Piece> pieces) override {
    copy_pieces(*this, peer, pieces);
    return true;
  }
  void flush(Rank, Nanoseconds) override {}

 private:
  std::vector<bool> same_process_;
};

}  // namespace tutti::shm
