// One rank of one communicator as messages find it: where puts and posts go, what gets may read.
// Used by whichever thread delivers a frame; it outlives the transport while one is being
// delivered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <tutti/transport.hpp>

#include "transports/message/frame.hpp"
#include "transports/message/ringer.hpp"

namespace tutti::message {

class Port {
 public:
  // `ringer` outlives the port.
  Port(Rank rank, int ranks, Ringer& ringer) : rank_(rank), ranks_(ranks), ringer_(ringer) {}

  // Once, before the others know of this port. `memory`: as NetworkTransport::open_control.
  void make_control(const ControlSegment& segment, std::shared_ptr<std::byte> memory = nullptr);

  Rank rank() const noexcept { return rank_; }
  int ranks() const noexcept { return ranks_; }
  std::span<std::byte> control() const noexcept { return {control_.get(), control_bytes_}; }
  // Do others ring its bell too, by the futex?
  bool is_shared() const noexcept { return is_shared_; }
  std::size_t line_bytes() const noexcept { return line_bytes_; }

  // A range of this rank's memory that peers may write, or read; nullptr: it is not there. Of the
  // process any address: whether something is there the kernel says when it copies.
  std::byte* writable(WindowId window, std::uint64_t offset, std::uint64_t bytes) const noexcept;
  const std::byte* readable(WindowId window, std::uint64_t offset,
                            std::uint64_t bytes) const noexcept;

  // Fills a line of this rank and rings its bell. False: there is no such line.
  bool post(LineId line, std::uint64_t value, const LineContent& content) noexcept;

  Doorbell& bell() const noexcept { return *reinterpret_cast<Doorbell*>(control_.get()); }
  void alarm() noexcept {
    if (!control_) return;
    bell().alarm.store(1, std::memory_order_seq_cst);
    ringer_.ring(bell());
  }
  void ring() noexcept { ringer_.ring(bell()); }

 private:
  const Rank rank_;
  const int ranks_;
  Ringer& ringer_;
  std::shared_ptr<std::byte> control_;
  bool is_shared_ = false;
  std::size_t control_bytes_ = 0;
  std::size_t line_bytes_ = 0;
};

// How much of this process's heap was ever given out: what peers may reach.
std::uint64_t heap_given() noexcept;

}  // namespace tutti::message
