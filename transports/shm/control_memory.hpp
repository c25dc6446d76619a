// The memory of one control window: one memfd for all ranks of the host, made by rank 0 and mapped
// once in each process: the board, then every rank's segment. Shared by the window, the transport
// and the liveness watch, whichever lives longest.
//
// Of many ranks each process maps the fronts of all segments a second time, side by side: whatever
// a rank does, it touches every front once, and in their places each would take a page table of its
// own (384 ranks, where page tables are slow: 91 us a front, side by side 22 us).
#pragma once

#include <memory>
#include <tutti/transport.hpp>

#include "base/descriptor.hpp"
#include "base/mapping.hpp"
#include "bootstrap/bootstrap.hpp"
#include "memory/shared_file.hpp"
#include "transports/shm/board.hpp"

namespace tutti::shm {

class ControlMemory {
 public:
  // Collective over `bootstrap`. Shortage on one rank is tuttiSystemError on all, naming it.
  ControlMemory(Bootstrap& bootstrap, const ControlSegment& segment);

  int ranks() const noexcept { return ranks_; }
  std::size_t segment_bytes() const noexcept { return segment_bytes_; }
  std::byte* segment(Rank rank) const noexcept {
    return first_segment_ + static_cast<std::size_t>(rank) * segment_bytes_;
  }
  // Where [offset, offset + bytes) of a rank's segment is best touched.
  std::byte* at(Rank rank, std::size_t offset, std::size_t bytes) const noexcept {
    return offset + bytes <= front_bytes_ ? front(rank) + offset : segment(rank) + offset;
  }
  Line& line(Rank rank, LineId id) const noexcept {
    return *reinterpret_cast<Line*>(at(rank, id * sizeof(Line), sizeof(Line)));
  }
  const Line* lines(Rank rank) const noexcept {
    return reinterpret_cast<const Line*>(segment(rank));
  }
  Doorbell& own_bell(Rank rank) const noexcept { return *reinterpret_cast<Doorbell*>(front(rank)); }
  Doorbell& shared_bell() const noexcept {
    return *reinterpret_cast<Doorbell*>(front(0) + sizeof(Doorbell));
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
  void gather_fronts(const SharedFileHandle& file, std::size_t first_segment);
  std::byte* front(Rank rank) const noexcept {
    return first_front_ + static_cast<std::size_t>(rank) * front_stride_;
  }
  // Raises the alarm on every rank and wakes all of them.
  void alarm_everyone() const noexcept;

  int ranks_;
  std::size_t segment_bytes_;
  Descriptor file_;  // rank 0's, while peers open it
  std::shared_ptr<Mapping> mapping_;
  std::byte* first_segment_ = nullptr;
  std::size_t front_bytes_;
  std::shared_ptr<Mapping> fronts_;  // nullptr: the fronts are used in their places
  std::byte* first_front_ = nullptr;
  std::size_t front_stride_ = 0;
};

}  // namespace tutti::shm
