// The three windows of the bus: control segments, the heap, any memory.
#pragma once

#include "transports/ub/bus/bus_window.hpp"

namespace tutti::ub {

// Lines have one writer and are written by post() alone: stores of peers do not reach them.
class BusControl final : public BusWindow<ControlWindow> {
 public:
  using BusWindow::BusWindow;

  std::span<std::byte> local() noexcept override;
  void post(Rank peer, LineId line, std::uint64_t value, const LineContent& content) override {
    port().post(peer, line, value, content);
  }
  void begin_posts() override { port().begin_posts(); }
  void end_posts() override { port().end_posts(); }
  // Access::shared_words is false: every reader of a word that all share would pay for a read of
  // its own, and algorithms that count on it for being cheap are the wrong choice here.
  void post_all(LineId, std::uint64_t, const LineContent&) override;
  const Line* lines(Rank) noexcept override { return nullptr; }
  std::uint64_t fetch_add(Rank, std::size_t, std::uint64_t) override;

 protected:
  std::byte* locate(Rank peer, std::size_t offset, std::size_t bytes) const noexcept override;
  bool stores_reach(Rank peer, std::size_t offset, std::size_t) const noexcept override {
    return peer == port().rank() || offset >= port().roster().control().line_bytes();
  }
  // Set-up boards lie among the lines and may carry addresses, as those do.
  bool is_payload(std::size_t offset) const noexcept override {
    return offset >= port().roster().control().line_bytes();
  }
};

// All ranks share the process's heap, so an offset means one byte, whichever peer is named.
class BusHeap final : public BusWindow<Window> {
 public:
  using BusWindow::BusWindow;
  std::span<std::byte> local() noexcept override;

 protected:
  std::byte* locate(Rank peer, std::size_t offset, std::size_t bytes) const noexcept override;
};

// Offsets are addresses. The bus does not map a peer's private memory; gets reach it.
class BusProcess final : public BusWindow<Window> {
 public:
  using BusWindow::BusWindow;
  std::span<std::byte> local() noexcept override { return {}; }

 protected:
  std::byte* locate(Rank, std::size_t offset, std::size_t) const noexcept override {
    return reinterpret_cast<std::byte*>(offset);
  }
  bool loads_reach(Rank peer, std::size_t, std::size_t) const noexcept override {
    return peer == port().rank();
  }
  bool stores_reach(Rank peer, std::size_t, std::size_t) const noexcept override {
    return peer == port().rank();
  }
};

}  // namespace tutti::ub
