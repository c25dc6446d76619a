// A window whose segments on this host are reached by one transport, and all others by another. The
// two are over the same memory.
#pragma once

#include <memory>
#include <tutti/transport.hpp>

#include "transports/hybrid/hosts.hpp"

namespace tutti::hybrid {

template <typename Contract>
class HybridWindow : public Contract {
 public:
  // `hosts` outlives it. `near` numbers ranks as Hosts::place_of does.
  HybridWindow(const Hosts& hosts, Rank self, std::shared_ptr<Contract> near,
               std::unique_ptr<Contract> far)
      : hosts_(hosts), self_(self), near_(std::move(near)), far_(std::move(far)) {}

  std::span<std::byte> local() noexcept override { return near_->local(); }
  using Window::view;
  void view(std::span<View> pieces) override;
  std::span<std::byte> reach(Rank peer, std::size_t offset, std::size_t bytes) override;
  void commit(Rank peer, std::size_t offset, std::size_t bytes) override;
  bool put(Rank peer, std::span<const Piece> pieces) override;
  void get(std::span<const Fetch> pieces) override;
  void flush(Rank peer, Nanoseconds timeout) override;

 protected:
  bool is_near(Rank peer) const noexcept { return hosts_.share(self_, peer); }
  Rank place(Rank peer) const noexcept { return hosts_.place_of(peer); }

  const Hosts& hosts_;
  const Rank self_;
  const std::shared_ptr<Contract> near_;
  const std::unique_ptr<Contract> far_;
};

class HybridControl final : public HybridWindow<ControlWindow> {
 public:
  using HybridWindow::HybridWindow;

  void post(Rank peer, LineId line, std::uint64_t value, const LineContent& content) override {
    if (is_near(peer)) {
      near_->post(place(peer), line, value, content);
    } else {
      far_->post(peer, line, value, content);
    }
  }
  void begin_posts() override { far_->begin_posts(); }
  void end_posts() override { far_->end_posts(); }
  // No words are shared by all.
  void post_all(LineId line, std::uint64_t value, const LineContent& content) override {
    far_->post_all(line, value, content);
  }
  const Line* lines(Rank) noexcept override { return nullptr; }
  std::uint64_t fetch_add(Rank peer, std::size_t offset, std::uint64_t delta) override {
    return far_->fetch_add(peer, offset, delta);
  }
};

}  // namespace tutti::hybrid
