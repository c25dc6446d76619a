// The windows of a rank that is a process. What takes time and moves bytes is the simulation's;
// bytes that are read in place are mapped here.
#pragma once

#include <memory>
#include <tutti/transport.hpp>
#include <vector>

#include "base/mapping.hpp"
#include "transports/ub/bus/shadows.hpp"
#include "transports/ub/processes/process_rank.hpp"

namespace tutti::ub {

// What a transport and its windows share.
struct ProcessPort {
  ProcessRank& owner;
  std::uint32_t transport = 0;  // its number in the simulation
  Rank rank = 0;
  int ranks = 0;
  std::vector<int> places{};  // [rank]: which rank of the simulation

  ClientLane& lane() const { return ProcessRank::of_caller().lane(); }
};

template <typename Contract>
class ProcessWindow : public Contract {
 public:
  ProcessWindow(const ProcessPort& port, wire::Where where)
      : port_(port), where_(where), shadows_(buffers_, port.ranks) {}

  using Contract::view;
  void view(std::span<View> pieces) override {
    asked_.clear();
    for (const View& piece : pieces) {
      asked_.push_back({.peer = piece.peer, .offset = piece.offset, .bytes = piece.bytes});
    }
    std::vector<wire::ViewPiece> list = std::move(asked_);  // of this thread while it waits
    port_.lane().call(wire::ViewOf{.transport = port_.transport,
                                   .where = where_,
                                   .pieces = reinterpret_cast<std::uintptr_t>(list.data()),
                                   .count = list.size()});
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      View& piece = pieces[i];
      piece.data = list[i].reached != 0 ? place(piece.peer, piece.offset, piece.bytes) : nullptr;
    }
    asked_ = std::move(list);
  }

  std::span<std::byte> reach(Rank peer, std::size_t offset, std::size_t bytes) override {
    std::byte* const there = stores_reach(peer, offset) ? place(peer, offset, bytes) : nullptr;
    if (there == nullptr) return {};
    if (is_in_place(peer, there)) return {there, bytes};
    return shadows_.open(peer, offset, bytes);
  }

  void commit(Rank peer, std::size_t offset, std::size_t bytes) override {
    reclaim();
    const bool in_place = is_in_place(peer, place(peer, offset, bytes));
    std::byte* const taken = in_place ? nullptr : shadows_.take(peer, offset, bytes);
    if (taken != nullptr) committed_.push_back({taken, bytes});
    port_.lane().queue(wire::Commit{.transport = port_.transport,
                                    .where = where_,
                                    .peer = peer,
                                    .source = reinterpret_cast<std::uintptr_t>(taken),
                                    .offset = offset,
                                    .bytes = bytes});
  }

  // As many pieces to a command as it takes: they are rows of one transfer.
  bool put(Rank peer, std::span<const Piece> pieces) override;
  void get(std::span<const Fetch> pieces) override;
  void flush(Rank peer, Nanoseconds timeout) override {
    port_.lane().call(
        wire::Flush{.transport = port_.transport, .peer = peer, .timeout_ns = timeout.count()});
  }

 protected:
  // nullptr: beyond what the peer has.
  virtual std::byte* place(Rank peer, std::size_t offset, std::size_t bytes) = 0;
  virtual bool stores_reach(Rank, std::size_t) const noexcept { return true; }

  const ProcessPort port_;

 private:
  struct Committed {
    std::byte* memory;
    std::size_t bytes;
  };
  bool is_in_place(Rank peer, const std::byte* there) const noexcept {
    return peer == port_.rank || port_.owner.is_hollow(there);
  }
  // What was committed before the simulation's last answer has been taken.
  void reclaim() {
    if (port_.owner.answers() == reclaimed_) return;
    reclaimed_ = port_.owner.answers();
    for (const Committed& each : committed_) buffers_.give_back(each.memory, each.bytes);
    committed_.clear();
  }

  const wire::Where where_;
  Buffers buffers_;
  Shadows shadows_;
  std::vector<wire::ViewPiece> asked_;
  std::vector<Committed> committed_;
  std::uint64_t reclaimed_ = 0;
};

class ProcessControl final : public ProcessWindow<ControlWindow> {
 public:
  ProcessControl(const ProcessPort& port, const ControlSegment& segment,
                 const wire::ControlFile& file);

  std::span<std::byte> local() noexcept override;
  void post(Rank peer, LineId line, std::uint64_t value, const LineContent& content) override;
  void begin_posts() override {
    port_.lane().queue(wire::BeginPosts{.transport = port_.transport, .zero = 0});
  }
  void end_posts() override {
    port_.lane().queue(wire::EndPosts{.transport = port_.transport, .zero = 0});
  }
  void post_all(LineId, std::uint64_t, const LineContent&) override;
  const Line* lines(Rank) noexcept override { return nullptr; }
  std::uint64_t fetch_add(Rank, std::size_t, std::uint64_t) override;

  // tuttiInternalError for what is no doorbell of this control memory.
  std::size_t place_of(const Doorbell& bell) const;

 protected:
  std::byte* place(Rank peer, std::size_t offset, std::size_t bytes) override;
  bool stores_reach(Rank peer, std::size_t offset) const noexcept override {
    return peer == port_.rank || offset >= segment_.line_bytes;
  }

 private:
  const ControlSegment segment_;
  const std::size_t stride_;
  Mapping memory_;  // of all ranks; what is touched counts
};

class ProcessHeap final : public ProcessWindow<Window> {
 public:
  explicit ProcessHeap(const ProcessPort& port);
  std::span<std::byte> local() noexcept override;

 protected:
  std::byte* place(Rank peer, std::size_t offset, std::size_t bytes) override;
};

class ProcessMemory final : public ProcessWindow<Window> {
 public:
  explicit ProcessMemory(const ProcessPort& port) : ProcessWindow(port, wire::Where::kProcess) {}
  std::span<std::byte> local() noexcept override { return {}; }

 protected:
  std::byte* place(Rank, std::size_t offset, std::size_t) override {
    return reinterpret_cast<std::byte*>(offset);
  }
  bool stores_reach(Rank peer, std::size_t) const noexcept override { return peer == port_.rank; }
};

}  // namespace tutti::ub
