// Windows whose peers are reached by messages: views are fetched into a mirror of the peer's memory
// and stores go from there, gets come straight to their destinations, puts leave from their
// sources.
#pragma once

#include <atomic>
#include <memory>
#include <tutti/transport.hpp>

#include "transports/message/carrier.hpp"
#include "transports/message/mirrors.hpp"
#include "transports/message/port.hpp"

namespace tutti::message {

// `Contract`: Window or ControlWindow. `carrier` and `port` outlive it.
template <typename Contract>
class MessageWindow : public Contract {
 public:
  using Contract::view;
  void view(std::span<View> pieces) override;
  std::span<std::byte> reach(Rank peer, std::size_t offset, std::size_t bytes) override;
  void commit(Rank peer, std::size_t offset, std::size_t bytes) override;
  bool put(Rank peer, std::span<const Piece> pieces) override;
  void get(std::span<const Fetch> pieces) override;
  void flush(Rank peer, Nanoseconds timeout) override {
    if (peer != port_->rank()) carrier_.flush(peer, timeout);
  }

 protected:
  MessageWindow(Carrier& carrier, std::shared_ptr<Port> port, WindowId window,
                std::size_t segment_bytes)
      : carrier_(carrier),
        port_(std::move(port)),
        window_(window),
        mirrors_(port_->ranks(), segment_bytes) {}

  // Does the peer have this range? Asks it, if need be.
  virtual bool is_there(Rank peer, std::size_t offset, std::size_t bytes);
  bool in_segment(std::size_t offset, std::size_t bytes) const noexcept {
    return offset <= mirrors_.segment_bytes() && bytes <= mirrors_.segment_bytes() - offset;
  }

  Carrier& carrier_;
  const std::shared_ptr<Port> port_;

 private:
  const WindowId window_;
  Mirrors mirrors_;
};

class MessageControl final : public MessageWindow<ControlWindow> {
 public:
  MessageControl(Carrier& carrier, std::shared_ptr<Port> port);

  std::span<std::byte> local() noexcept override { return port_->control(); }
  void post(Rank peer, LineId line, std::uint64_t value, const LineContent& content) override;
  // Without Access::shared_words: tuttiInternalError.
  void post_all(LineId line, std::uint64_t value, const LineContent& content) override;
  std::uint64_t fetch_add(Rank peer, std::size_t offset, std::uint64_t delta) override;
  const Line* lines(Rank) noexcept override { return nullptr; }
};

class MessageHeap final : public MessageWindow<Window> {
 public:
  MessageHeap(Carrier& carrier, std::shared_ptr<Port> port);

  std::span<std::byte> local() noexcept override;

 protected:
  bool is_there(Rank peer, std::size_t offset, std::size_t bytes) override;

 private:
  // What of each peer's heap is known to have been given out; it only grows.
  std::unique_ptr<std::atomic<std::uint64_t>[]> given_;
};

// Addresses of the peer's process: to be got, and put to where the peer has said so.
class MessageProcess final : public MessageWindow<Window> {
 public:
  MessageProcess(Carrier& carrier, std::shared_ptr<Port> port)
      : MessageWindow(carrier, std::move(port), WindowId::kProcess, 0) {}

  std::span<std::byte> local() noexcept override { return {}; }
  using Window::view;
  void view(std::span<View> pieces) override;
  std::span<std::byte> reach(Rank peer, std::size_t offset, std::size_t bytes) override;
  void commit(Rank, std::size_t, std::size_t) override {}
  bool put(Rank peer, std::span<const Piece> pieces) override;
};

}  // namespace tutti::message
