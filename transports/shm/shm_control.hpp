// A control window in shared memory: a line is a store, a counter a locked add, a doorbell a futex
// that is touched only when somebody sleeps.
#pragma once

#include <memory>
#include <tutti/transport.hpp>
#include <utility>

#include "transports/shm/control_memory.hpp"

namespace tutti::shm {

class ShmControl final : public ControlWindow {
 public:
  // `fenced`: see ShmTransport::announce_fence.
  ShmControl(std::shared_ptr<ControlMemory> memory, Rank rank, bool fenced)
      : memory_(std::move(memory)), rank_(rank), fenced_(fenced) {}

  std::span<std::byte> local() noexcept override {
    return {memory_->segment(rank_), memory_->segment_bytes()};
  }
  using ControlWindow::view;
  void view(std::span<View> pieces) override {
    for (View& piece : pieces) piece.data = reach(piece.peer, piece.offset, piece.bytes).data();
  }
  std::span<std::byte> reach(Rank peer, std::size_t offset, std::size_t bytes) override;
  void commit(Rank, std::size_t, std::size_t) override {}
  bool put(Rank peer, std::span<const Piece> pieces) override;
  void get(std::span<const Fetch> pieces) override;
  void flush(Rank, Nanoseconds) override {}
  void post(Rank peer, LineId line, std::uint64_t value, const LineContent& content) override;
  void post_all(LineId line, std::uint64_t value, const LineContent& content) override;
  const Line* lines(Rank peer) noexcept override { return memory_->lines(peer); }
  std::uint64_t fetch_add(Rank peer, std::size_t offset, std::uint64_t delta) override;

 private:
  void fill(Line& line, std::uint64_t value, const LineContent& content) const noexcept;

  std::shared_ptr<ControlMemory> memory_;
  Rank rank_;
  bool fenced_;
};

}  // namespace tutti::shm
