// Carries parcels through the fabric model: starts transfers, moves the bytes when they arrive, and
// keeps what a pair's lines promise.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "transports/ub/bus/buffers.hpp"
#include "transports/ub/bus/flow.hpp"
#include "transports/ub/bus/inbox.hpp"
#include "transports/ub/bus/parcels.hpp"
#include "transports/ub/bus/run_digest.hpp"
#include "transports/ub/model/bound_fabric.hpp"
#include "transports/ub/model/port_sums.hpp"
#include "transports/ub/race/race_checker.hpp"

namespace tutti::ub {

// What a rank reads from another in one transfer.
struct ReadPart {
  int owner = 0;
  std::uint64_t bytes = 0;
  std::uint32_t rows = 0;
};

struct CourierOptions {
  FabricOptions fabric;
  bool payload_digest = true;    // costs a pass over all bytes
  RunRecord* record = nullptr;   // outlives the courier
  RaceChecker* races = nullptr;  // the same
};

// What comes to a rank, and who waits for it.
struct RankInbox {
  Inbox box;
  int sleepers = 0;
  Picoseconds armed = kNever;  // the next event that brings it
};

// One a simulation. Ranks are those of the simulation. What a parcel points to - flow, line, memory
// - stays until it is there; sources of a put until flush(), take_sources() or drop_sources().
//
// Nobody but its own rank looks at a line. So a line is filled when its rank looks - bring() comes
// before every look - with what has come by then, many at once, and has no event of its own; except
// while a fibre of that rank sleeps until a line comes, or somebody keeps a record of when each
// came. What is seen when is the same.
class Courier final : private TransferSink {
 public:
  struct Counts {
    std::uint64_t transfers = 0;
    std::uint64_t bytes = 0;       // that arrived
    std::uint64_t deliveries = 0;  // events of the courier itself
    Picoseconds last{};            // of the arrivals
  };

  // All of these outlive the courier, and `queue` fires nothing of it after it has gone.
  Courier(Scheduler& scheduler, const Topology& topology, const CourierOptions& options,
          ModelEvents& queue);

  Scheduler& scheduler() noexcept { return scheduler_; }
  const Topology& topology() const noexcept { return topology_; }
  Buffers& buffers() noexcept { return buffers_; }
  RaceChecker* races() const noexcept { return races_; }

  // Moves pieces, one row each, in one transfer. `taken`: who gives the bytes with it, in a buffer
  // of this courier, has pieces without sources.
  // `at`: when it starts, for this and for post(); not before the current time.
  void put(Flow& flow, std::span<const CopyPiece> pieces, std::byte* taken, Picoseconds at);
  void post(Flow& flow, Line& line, std::uint64_t value, const LineContent& content,
            Picoseconds at);
  // No transfer: comes out when everything before it has.
  void say_farewell(Flow& flow);

  // Fills the lines of `rank` with what has come by now.
  void bring(int rank) {
    const Picoseconds now = scheduler_.now();
    if (inboxes_[static_cast<std::size_t>(rank)].box.first() <= now) bring_until(rank, now);
  }
  // A fibre of `rank` sleeps: what comes is brought at its time.
  class Attention {
   public:
    Attention(Courier& courier, int rank) : inbox_(courier.inbox_of(rank)) {
      ++inbox_.sleepers;
      courier.arm(rank);
    }
    ~Attention() { --inbox_.sleepers; }
    Attention(const Attention&) = delete;
    Attention& operator=(const Attention&) = delete;

   private:
    RankInbox& inbox_;
  };
  // At the end of the run: what came before `limit`, and nobody looked at.
  void bring_all(Picoseconds limit);

  // The calling fibre waits until all parts have come, which are under way together. An owner from
  // whom one does not come, if there is one.
  std::optional<int> read(int reader, std::span<const ReadPart> parts);
  // For who was read: folds what is there now into the digest of the payload. `next`: what it notes
  // after this, or nullptr.
  void note_payload(int reader, int owner, std::span<const std::byte> bytes, const std::byte* next);

  // The calling fibre waits until the flow's puts have left. False: not by `deadline`.
  bool flush(Flow& flow, Picoseconds deadline);
  // Copies what has not arrived yet: its sources are free.
  void take_sources(Flow& flow);
  // Its sources may be gone: such puts do not arrive, nor the lines behind them.
  void drop_sources(Flow& flow) noexcept;

  // A rank whose node has failed stops at its next call.
  void kill(int rank) { gone_[static_cast<std::size_t>(rank)] = true; }
  bool gone(int rank) const noexcept { return gone_[static_cast<std::size_t>(rank)]; }
  void check_alive(int rank) const {
    if (gone(rank)) [[unlikely]] {
      end_fibre();
    }
  }

  // Transfers that `rank` starts from now on also count in `sums`, which outlives that; nullptr: in
  // none.
  void meter(int rank, PortSums* sums) {
    meters_.resize(gone_.size());
    meters_[static_cast<std::size_t>(rank)] = sums;
  }

  const Counts& counts() const noexcept { return counts_; }
  const RunDigest& digest() const noexcept { return digest_; }
  Picoseconds bound() const noexcept { return bound_.latest(); }

 private:
  class Deaf final : public TransferSink {
   public:
    void left(std::uint64_t, Picoseconds) override {}
    void arrived(std::uint64_t, Picoseconds) override {}
    void lost(std::uint64_t, Picoseconds) override {}
  };

  void left(std::uint64_t tag, Picoseconds when) override;
  void arrived(std::uint64_t tag, Picoseconds when) override;
  void lost(std::uint64_t tag, Picoseconds when) override;
  void prepare(std::uint64_t tag, int pass) noexcept override;

  Parcel& make(Parcel::Kind kind, int from, int to, std::uint64_t bytes);
  void start(const Parcel& parcel, std::uint32_t rows, Picoseconds at);
  bool await_left(Flow& flow, Picoseconds deadline);
  void note_left(Flow& flow, Picoseconds when);
  void check_put(const Flow& flow, const Parcel& parcel);
  void end_read(Parcel& parcel, Parcel::State state, Picoseconds when);
  void settle(Flow& flow) { settle(flow, scheduler_.now()); }
  void settle(Flow& flow, Picoseconds last);
  RankInbox& inbox_of(int rank) noexcept { return inboxes_[static_cast<std::size_t>(rank)]; }
  void comes(int rank, Picoseconds when, std::uint32_t parcel, bool comes_out);
  void arm(int rank);
  void bring_until(int rank, Picoseconds last);
  void deliver(Parcel& parcel, Picoseconds when);
  void deliver_put(const Parcel& parcel);
  void await(Reading& reading, int reader);
  void record_left(const Parcel& parcel, Picoseconds when);
  void record_read(const Reading& reading, Picoseconds since);
  void end(Reading& reading) noexcept;
  void fold(const Parcel& parcel, Picoseconds when);
  void give_bytes_back(Parcel& parcel);
  void remove(Parcel& parcel);
  static void end_fibre();

  Scheduler& scheduler_;
  const Topology& topology_;
  const bool payload_digest_;
  RunRecord* const record_;   // nullptr: nobody asked for one
  RaceChecker* const races_;  // nullptr: nobody looks for them
  Deaf deaf_;
  BoundFabric bound_;
  std::unique_ptr<Fabric> fabric_;
  Buffers buffers_;
  PutContents put_contents_;
  Parcels parcels_;
  const bool prompt_;               // everything is brought at its time
  std::vector<RankInbox> inboxes_;  // [rank]
  std::vector<bool> gone_;          // [rank]
  std::vector<PortSums*> meters_;   // [rank]; empty until somebody meters
  Counts counts_;
  RunDigest digest_;
};

}  // namespace tutti::ub
