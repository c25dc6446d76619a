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
// are written in place, and putting them there is a copy in its memory. What is hollow takes the
// same time, and nothing is copied.
template <typename Contract>
class BusWindow : public Contract {
 public:
  explicit BusWindow(std::shared_ptr<RankPort> port)
      : port_(std::move(port)), shadows_(port_->courier().buffers(), port_->roster().ranks()) {}

  using Contract::view;
  void view(std::span<View> pieces) override {
    Parts parts(*port_, parts_);
    for (View& piece : pieces) {
      const bool reached = loads_reach(piece.peer, piece.offset, piece.bytes);
      piece.data = reached ? locate(piece.peer, piece.offset, piece.bytes) : nullptr;
      if (piece.data != nullptr) parts.add(piece.peer, piece.bytes);
    }
    if (RaceChecker* const races = port_->courier().races()) {
      for (const View& piece : pieces) {
        if (piece.data == nullptr) continue;
        races->views(port_->roster().place(piece.peer), piece.data, piece.bytes);
      }
    }
    port_->read(parts_);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const View& piece = pieces[i];
      const std::byte* const next = i + 1 < pieces.size() ? pieces[i + 1].data : nullptr;
      if (piece.data == nullptr || port_->is_hollow(piece.data)) continue;
      note(piece.peer, piece.offset, {piece.data, piece.bytes}, next);
    }
  }

  std::span<std::byte> reach(Rank peer, std::size_t offset, std::size_t bytes) override {
    std::byte* const place =
        stores_reach(peer, offset, bytes) ? locate(peer, offset, bytes) : nullptr;
    if (place == nullptr) return {};
    if (peer == port_->rank() || port_->is_hollow(place)) return {place, bytes};
    return shadows_.open(peer, offset, bytes);
  }

  void commit(Rank peer, std::size_t offset, std::size_t bytes) override {
    std::byte* const place = writable(peer, offset, bytes);
    const bool own = peer == port_->rank() || port_->is_hollow(place);
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
    leave_out_hollow(peer, copies_);
    port_->put(peer, copies_);
    return true;
  }

  void get(std::span<const Fetch> pieces) override {
    Parts parts(*port_, parts_);
    for (const Fetch& piece : pieces) {
      source_of(piece);
      parts.add(piece.peer, piece.destination.size());
    }
    std::size_t bytes = 0;
    for (const ReadPart& part : parts_) bytes += part.bytes;
    const bool streaming = bytes >= kernels::kStreamingBytes;
    RaceChecker* const races = port_->courier().races();
    if (races != nullptr) {
      for (const Fetch& piece : pieces) {
        races->gets(port_->roster().place(piece.peer), source_of(piece), piece.destination.size());
      }
    }
    port_->read(parts_);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const auto& to = pieces[i].destination;
      const std::byte* const from = source_of(pieces[i]);
      if (to.empty() || port_->is_hollow(to.data()) || port_->is_hollow(from)) continue;
      // Noted first, so that the copy finds it in the caches.
      const std::byte* const next = i + 1 < pieces.size() ? source_of(pieces[i + 1]) : nullptr;
      if (races != nullptr) races->touches(Write{to.data(), to.size()});
      note(pieces[i].peer, pieces[i].offset, {from, to.size()}, next);
      if (streaming) {
        kernels::copy_streaming(to.data(), from, to.size());
      } else {
        kernels::copy(to.data(), from, to.size());
      }
    }
  }

  void flush(Rank peer, Nanoseconds timeout) override { port_->flush(peer, timeout); }

 protected:
  // nullptr: beyond what the peer has.
  virtual std::byte* locate(Rank peer, std::size_t offset, std::size_t bytes) const noexcept = 0;
  virtual bool loads_reach(Rank, std::size_t, std::size_t) const noexcept { return true; }
  virtual bool stores_reach(Rank, std::size_t, std::size_t) const noexcept { return true; }
  // Whether the digest of payloads has what lies there.
  virtual bool is_payload(std::size_t) const noexcept { return true; }

  RankPort& port() const noexcept { return *port_; }

  std::byte* writable(Rank peer, std::size_t offset, std::size_t bytes) const {
    std::byte* const place =
        stores_reach(peer, offset, bytes) ? locate(peer, offset, bytes) : nullptr;
    if (place == nullptr) {
      fail(tuttiInternalError, "a put of {} bytes at offset {} leaves rank {}'s segment", bytes,
           offset, peer);
    }
    return place;
  }
  const std::byte* source_of(const Fetch& piece) const {
    const std::byte* const place = locate(piece.peer, piece.offset, piece.destination.size());
    if (place == nullptr) {
      fail_because_of({piece.peer}, tuttiInternalError,
                      "a get of {} bytes at offset {} leaves rank {}'s segment",
                      piece.destination.size(), piece.offset, piece.peer);
    }
    return place;
  }
  void note(Rank peer, std::size_t offset, std::span<const std::byte> bytes,
            const std::byte* next) {
    if (bytes.empty() || !is_payload(offset)) return;
    port_->courier().note_payload(port_->place(), port_->roster().place(peer), bytes, next);
  }

  // Takes its destination from what is hollow at either end; false: nothing is. A put with pieces
  // of both kinds is tuttiInvalidUsage.
  bool leave_out_hollow(Rank peer, std::span<CopyPiece> copies) const {
    std::size_t hollow = 0;
    for (CopyPiece& copy : copies) {
      if (!port_->is_hollow(copy.source) && !port_->is_hollow(copy.destination)) continue;
      copy.destination = nullptr;
      ++hollow;
    }
    if (hollow != 0 && hollow != copies.size()) {
      fail_because_of({peer}, tuttiInvalidUsage,
                      "a put to rank {} of {} pieces, of which {} are payload that a run for "
                      "timing only does not move: put them apart",
                      peer, copies.size(), hollow);
    }
    return hollow != 0;
  }

  // Pieces of one rank that follow each other are rows of one transfer.
  class Parts {
   public:
    Parts(const RankPort& port, std::vector<ReadPart>& list) : port_(port), list_(list) {
      list_.clear();
    }
    void add(Rank peer, std::size_t bytes) {
      if (bytes == 0) return;
      const int owner = port_.roster().place(peer);
      if (list_.empty() || list_.back().owner != owner) list_.push_back({.owner = owner});
      list_.back().bytes += bytes;
      ++list_.back().rows;
    }

   private:
    const RankPort& port_;
    std::vector<ReadPart>& list_;
  };

 private:
  std::shared_ptr<RankPort> port_;
  Shadows shadows_;
  // Of the put, or the read, that is being started: nobody else's turn comes before it is.
  std::vector<CopyPiece> copies_;
  std::vector<ReadPart> parts_;
};

}  // namespace tutti::ub
