// What every window of the bus does; they differ in where a peer's bytes are.
#pragma once

#include <tutti/transport.hpp>
#include <utility>
#include <vector>

#include "kernels/copy.hpp"
#include "transports/ub/bus/rank_port.hpp"
#include "transports/ub/bus/shadows.hpp"

namespace tutti::ub {

// A peer's bytes are read in place, when they have come; they are written in a shadow. A rank's own
// are written in place, and putting them there is a copy in its memory.
template <typename Contract>
class BusWindow : public Contract {
 public:
  explicit BusWindow(std::shared_ptr<RankPort> port)
      : port_(std::move(port)), shadows_(port_->courier().buffers(), port_->roster().ranks()) {}

  std::span<const std::byte> view(Rank peer, std::size_t offset, std::size_t bytes) override {
    std::byte* const place =
        loads_reach(peer, offset, bytes) ? locate(peer, offset, bytes) : nullptr;
    if (place == nullptr) return {};
    if (bytes > 0) {
      port_->read(peer, bytes, 1);
      note(peer, {place, bytes});
    }
    return {place, bytes};
  }

  std::span<std::byte> reach(Rank peer, std::size_t offset, std::size_t bytes) override {
    std::byte* const place =
        stores_reach(peer, offset, bytes) ? locate(peer, offset, bytes) : nullptr;
    if (place == nullptr) return {};
    if (peer == port_->rank()) return {place, bytes};
    return shadows_.open(peer, offset, bytes);
  }

  void commit(Rank peer, std::size_t offset, std::size_t bytes) override {
    std::byte* const place = writable(peer, offset, bytes);
    const bool own = peer == port_->rank();
    std::byte* const taken = own ? nullptr : shadows_.take(peer, offset, bytes);
    const CopyPiece piece{.destination = own ? nullptr : place, .bytes = bytes};
    port_->put(peer, {&piece, 1}, taken);
  }

  bool put(Rank peer, std::span<const Piece> pieces) override {
    copies_.clear();
    for (const Piece& piece : pieces) {
      copies_.push_back({.source = piece.source.data(),
                         .destination = writable(peer, piece.offset, piece.source.size()),
                         .bytes = piece.source.size()});
    }
    port_->put(peer, copies_);
    return true;
  }

  void get(Rank peer, std::span<const Fetch> pieces) override {
    std::size_t bytes = 0;
    std::uint32_t rows = 0;
    for (const Fetch& piece : pieces) {
      source_of(peer, piece);
      bytes += piece.destination.size();
      rows += piece.destination.empty() ? 0 : 1;
    }
    if (rows == 0) return;
    port_->read(peer, bytes, rows);
    for (const Fetch& piece : pieces) {
      if (piece.destination.empty()) continue;
      const std::byte* const source = source_of(peer, piece);
      kernels::copy(piece.destination.data(), source, piece.destination.size());
      note(peer, piece.destination);
    }
  }

  void flush(Rank peer, Nanoseconds timeout) override { port_->flush(peer, timeout); }

 protected:
  // nullptr: beyond what the peer has.
  virtual std::byte* locate(Rank peer, std::size_t offset, std::size_t bytes) const noexcept = 0;
  virtual bool loads_reach(Rank, std::size_t, std::size_t) const noexcept { return true; }
  virtual bool stores_reach(Rank, std::size_t, std::size_t) const noexcept { return true; }

  RankPort& port() const noexcept { return *port_; }

 private:
  std::byte* writable(Rank peer, std::size_t offset, std::size_t bytes) const {
    std::byte* const place =
        stores_reach(peer, offset, bytes) ? locate(peer, offset, bytes) : nullptr;
    if (place == nullptr) {
      fail(tuttiInternalError, "a put of {} bytes at offset {} leaves rank {}'s segment", bytes,
           offset, peer);
    }
    return place;
  }
  const std::byte* source_of(Rank peer, const Fetch& piece) const {
    const std::byte* const place = locate(peer, piece.offset, piece.destination.size());
    if (place == nullptr) {
      fail(tuttiInternalError, "a get of {} bytes at offset {} leaves rank {}'s segment",
           piece.destination.size(), piece.offset, peer);
    }
    return place;
  }
  void note(Rank peer, std::span<const std::byte> bytes) {
    port_->courier().note_payload(port_->place(), port_->roster().place(peer), bytes);
  }

  std::shared_ptr<RankPort> port_;
  Shadows shadows_;
  std::vector<CopyPiece> copies_;  // of the put that is being started
};

}  // namespace tutti::ub
