// A window of a rank that is another process, as the simulation has it: what the rank calls happens
// here, on its behalf, as it does where ranks are fibres.
#pragma once

#include <span>
#include <vector>

#include "rank_memory.hpp"
#include "transports/ub/bus/bus_window.hpp"
#include "transports/ub/processes/wire.hpp"

namespace tutti::launcher {

// [rank of the simulation]
using RankMemories = std::vector<RankMemory>;

class ServedWindow final : public ub::BusWindow<Window> {
 public:
  ServedWindow(std::shared_ptr<ub::RankPort> port, ub::wire::Where where,
               const RankMemories& memories)
      : BusWindow(std::move(port)), where_(where), memories_(memories) {}

  std::span<std::byte> local() noexcept override { return {}; }

  // Addresses are those of the rank's process.
  void view_for(std::span<ub::wire::ViewPiece> pieces);
  void get_for(std::span<const ub::wire::FetchPiece> pieces);
  void put_for(Rank peer, std::span<const ub::wire::PutPiece> pieces);
  void commit_for(const ub::wire::Commit& commit);

 protected:
  std::byte* locate(Rank peer, std::size_t offset, std::size_t bytes) const noexcept override;
  bool stores_reach(Rank peer, std::size_t offset, std::size_t) const noexcept override {
    if (peer == port().rank()) return true;
    if (where_ == ub::wire::Where::kProcess) return false;
    return where_ == ub::wire::Where::kHeap || offset >= port().roster().control().line_bytes();
  }
  bool is_payload(std::size_t offset) const noexcept override {
    return where_ != ub::wire::Where::kControl || offset >= port().roster().control().line_bytes();
  }

 private:
  const RankMemory& memory_of(Rank peer) const {
    return memories_[static_cast<std::size_t>(port().roster().place(peer))];
  }
  const RankMemory& own() const { return memories_[static_cast<std::size_t>(port().place())]; }
  bool in_process() const noexcept { return where_ == ub::wire::Where::kProcess; }
  // Reads another process; an error names the peer.
  void read_peer(Rank peer, std::uint64_t address, std::span<std::byte> to) const;
  void view_own(std::span<ub::wire::ViewPiece> pieces);
  void check(const ub::wire::FetchPiece& piece) const;
  void check_peer(Rank peer) const;

  const ub::wire::Where where_;
  const RankMemories& memories_;
  std::vector<std::byte> scratch_;  // not used across a scheduling point
};

}  // namespace tutti::launcher
