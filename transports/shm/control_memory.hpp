// The memory of one control window: one memfd for all ranks of the host, made by rank 0 and mapped
// once in each process: the board, then every rank's segment. Shared by the window, the transport
// and the liveness watch, whichever lives longest.
#pragma once

#include <memory>
#include <tutti/transport.hpp>

#include "base/descriptor.hpp"
#include "base/mapping.hpp"
#include "bootstrap/bootstrap.hpp"
#include "transports/shm/board.hpp"

namespace tutti::shm {

class ControlMemory {
 public:
  // Collective over `bootstrap`. Shortage on one rank is tuttiSystemError on all, naming it.
  ControlMemory(Bootstrap& bootstrap, std::size_t segment_bytes);

  int ranks() const noexcept { return ranks_; }
  std::size_t segment_bytes() const noexcept { return segment_bytes_; }
  std::byte* segment(Rank rank) const noexcept {
    return first_segment_ + static_cast<std::size_t>(rank) * segment_bytes_;
  }
  Line* lines(Rank rank) const noexcept { return reinterpret_cast<Line*>(segment(rank)); }
  Doorbell& own_bell(Rank rank) const noexcept {
    return *reinterpret_cast<Doorbell*>(segment(rank));
  }
  Doorbell& shared_bell() const noexcept {
    return *reinterpret_cast<Doorbell*>(segment(0) + sizeof(Doorbell));
  }

  PeerState state(Rank rank) const noexcept;
  // Alive -> left or dead, once; raises the alarm.
  void mark(Rank rank, PeerState state) noexcept;
  // How many marks there were; tells who caches something about peers to look again.
  std::uint32_t marks() const noexcept { return board().marks.load(std::memory_order_acquire); }

  // The first error recorded wins.
  void record(const Error& error) noexcept;
  std::optional<Error> recorded() const;

 private:
  Board& board() const noexcept { return *reinterpret_cast<Board*>(mapping_->data()); }
  // Raises the alarm on every rank and wakes all of them.
  void alarm_everyone() const noexcept;

  int ranks_;
  std::size_t segment_bytes_;
  Descriptor file_;  // rank 0's, while peers open it
  std::shared_ptr<Mapping> mapping_;
  std::byte* first_segment_ = nullptr;
};

}  // namespace tutti::shm
