// Finds what ranks of a simulation read and write without order: whether or not it goes wrong in
// this run, at these times.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/channel_watch.hpp"
#include "transports/ub/engine/scheduler.hpp"
#include "transports/ub/race/access_map.hpp"

namespace tutti::ub {

// For tests: what of a run's synchronisation is left out.
class SyncFilter {
 public:
  virtual bool leaves_out(Sync sync, const SyncPlace& place, int rank) = 0;

 protected:
  ~SyncFilter() = default;
};

struct RaceOptions {
  std::size_t most_listed = 16;  // others are counted
  // Of memory for the checker itself; then the run ends with the number.
  std::uint64_t most_bytes = std::uint64_t{4} << 30;
  bool stops = false;            // the first one fails the call that it is in
  SyncFilter* filter = nullptr;  // outlives the checker
};

// Invariants.
// - Order comes of what is told and heard, never of times. A fibre is behind another up to a tick
//   of it when it has acquired a line that was posted later than that, or a chain of such lines;
//   within a rank by what streams wait for. Its program is in order.
// - A put, the reading of its source, and a post begin in their fibre's order. They have ended for
//   whoever is behind a fibre of the receiver that has acquired a later line of the same flow (one
//   communicator, sender and receiver), and for nobody else: a line to a third rank says nothing of
//   them. Of a source that is so, too, once its sender has flushed.
// - For each byte the last write is kept, and the reads since. Each access must be behind the write
//   and, if it writes, behind the reads: else it is a race, and the write is replaced all the same.
// - What is read in a peer's memory without a transfer is read through a view, which must be
//   younger than the last write there.
// - In private memory, which the checker does not see given out, only transfers count, and what
//   their owner does.
// - Nothing that a rank can see depends on the checker.
class RaceChecker final : public ChannelWatch {
 public:
  // `scheduler` outlives the calls, not the object.
  RaceChecker(Scheduler& scheduler, const RaceOptions& options)
      : scheduler_(scheduler), options_(options) {}

  // The first ones in words, and how many there were in all.
  const std::vector<std::string>& races() const noexcept { return races_; }
  std::uint64_t found() const noexcept { return found_; }

  // --- From the bus. Ranks are those of the simulation, flows are named by their addresses.

  // The control segments of a communicator; ranks[r]: its rank r. Segments lie `stride` apart.
  struct Segments {
    const std::byte* base = nullptr;
    std::size_t stride = 0;
    std::size_t bytes = 0;
    std::size_t line_bytes = 0;
    std::vector<int> ranks;
  };
  void add_segments(Segments segments);
  // A part of the heap now belongs to the caller, or to nobody.
  void gave(const void* data, std::size_t bytes);
  void took_back(const void* data, std::size_t bytes) noexcept;

  void views(int owner, const void* data, std::size_t bytes) {
    reads_of(AccessKind::kView, owner, data, bytes);
  }
  void gets(int owner, const void* data, std::size_t bytes) {
    reads_of(AccessKind::kGet, owner, data, bytes);
  }
  // A put of `parcel` begins; its pieces follow. No source: its bytes were taken with it.
  void begin_put(const void* flow, int from, int to, std::uint32_t parcel);
  void put_piece(const void* source, const void* destination, std::size_t bytes);
  void post(const void* flow, int from, int to, std::uint32_t parcel, const Line& line,
            Picoseconds at);
  void delivered(std::uint32_t parcel);
  void lost(std::uint32_t parcel) { delivered_parcel(parcel); }
  // Those of the flow's puts until now are free.
  void sources_free(const void* flow);

  // The caller has made a fibre (FibreHost::spawn), which has not run yet.
  void spawned(std::uint64_t fibre);
  // It has waited for another one of its rank.
  void joined();

  // --- ChannelWatch, and the order within ranks.
  void enters(const CallName& call) override;
  void touches(Read read) override;
  void touches(Write write) override;
  void takes(const void* data, std::size_t bytes, bool exclusive) override;
  void gives_back(const void* data, std::size_t bytes, bool exclusive) override;
  void acquired(const Line& line) override;
  void uses_content(const Line& line) override;
  void leaves() override;
  void tells(const void* object) override;
  void hears(const void* object) override;
  bool leaves_out(Sync sync, const SyncPlace& place) override;

 private:
  using Address = AccessMap::Address;

  struct FibreState {
    FibreId id;
    int rank = 0;
    std::uint32_t number = 0;
    VectorClock clock;
    std::shared_ptr<const VectorClock> snapshot;  // of the clock, until it learns something
    Tick now = 1;
    std::uint32_t call = 0;
    const std::string* channel = nullptr;  // of the call, as it was entered
    std::uint64_t sequence = 0;
    std::uint64_t what = 0;
    struct Content {
      const Line* line;
      std::uint32_t call;
    };
    std::vector<Content> contents;  // lines that open calls use
  };
  struct FlowState {
    int from = 0;
    int to = 0;
    std::uint32_t sent = 0;  // puts and posts
    std::uint32_t free = 0;  // sources up to this one
    struct Covered {         // everything up to `number` was known to be there at `tick`
      std::uint32_t number;
      Tick tick;
    };
    struct Knower {
      std::uint32_t fibre;
      std::vector<Covered> covered;  // ascending
    };
    std::vector<Knower> knowers;
  };
  struct ParcelState {
    std::uint32_t flow = kNoFlow;
    std::uint32_t number = 0;
    bool under_way = false;
    const Line* line = nullptr;
    Stamp stamp;
  };
  struct LineState {
    std::uint32_t flow = kNoFlow;
    std::uint32_t number = 0;
    Stamp stamp;
  };
  struct Call {
    std::uint32_t channel = 0;
    std::uint64_t sequence = 0;
    std::uint64_t what = 0;
    std::string (*describe)(std::uint64_t) = nullptr;
    friend bool operator<(const Call& a, const Call& b) {
      return std::tie(a.sequence, a.what, a.channel) < std::tie(b.sequence, b.what, b.channel);
    }
  };
  // Where an address lies.
  struct Place {
    enum class Of : std::uint8_t { kSegment, kHeap, kPrivate };
    Of of = Of::kPrivate;
    int owner = -1;  // -1: nobody knows
    const Segments* segments = nullptr;
    Address base = 0;
  };

  // Does somebody call who counts?
  bool active() const noexcept { return scheduler_.in_fibre() && !scheduler_.ending(); }
  FibreState& fibre();
  FibreState& add_fibre(FibreId id);
  void join_rank(FibreState& fibre);
  Stamp tell(FibreState& fibre);
  void hear(FibreState& fibre, const Stamp& stamp);
  FlowState& flow(const void* key, int from, int to);
  void delivered_parcel(std::uint32_t parcel);

  Place place_of(Address at) const;
  MemoryAccess access(FibreState& fibre, AccessKind kind, int owner) const;
  void reads_of(AccessKind kind, int owner, const void* data, std::size_t bytes);
  void write(FibreState& fibre, const MemoryAccess& access, const void* data, std::size_t bytes);
  void read(FibreState& fibre, const MemoryAccess& access, const void* data, std::size_t bytes);
  void user_has(AccessKind kind, bool before, const void* data, std::size_t bytes, bool exclusive);
  bool alone(const FibreState& fibre) const;

  bool known(std::uint32_t flow, std::uint32_t number, const VectorClock& clock, std::uint32_t self,
             Tick now) const;
  bool ordered(const MemoryAccess& earlier, const FibreState& fibre) const;
  static bool counts(const MemoryAccess& earlier, const MemoryAccess& access, Place::Of of);
  void check(const FibreState& fibre, const MemoryAccess& earlier, const MemoryAccess& access,
             Address begin, Address end);

  // In race_text.cpp.
  enum class Race : std::uint8_t { kUnarrived, kUnordered, kUnread, kOverwritten, kOldView };
  void report(Race race, const MemoryAccess& earlier, const MemoryAccess& access, Address begin,
              Address end);
  std::string name_of_call(std::uint32_t call) const;
  std::string where(Address begin, Address end, const MemoryAccess& access) const;
  static std::string done(const MemoryAccess& access, bool now);

  void make_room();
  void sweep();
  std::uint64_t bytes() const noexcept;

  Scheduler& scheduler_;
  const RaceOptions options_;
  std::vector<std::string> races_;
  std::uint64_t found_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> seen_;  // races that are listed or counted

  std::vector<FibreState> fibres_;
  std::vector<std::uint32_t> of_fibre_;               // [index of its FibreId]
  std::unordered_map<std::uint64_t, Stamp> origins_;  // of fibres that have done nothing yet
  std::vector<FlowState> flows_;
  std::unordered_map<const void*, std::uint32_t> flow_numbers_;
  std::vector<ParcelState> parcels_;  // [number]: they are used again
  std::uint32_t putting_ = 0;         // the parcel whose pieces come now
  std::unordered_map<const Line*, LineState> lines_;
  std::unordered_map<const void*, VectorClock> told_;  // by objects of ranks
  std::vector<std::string> channels_;
  std::vector<Call> calls_{{}};
  std::map<Call, std::uint32_t> call_numbers_;
  std::vector<Segments> segments_;
  struct Block {
    Address end;
    int owner;
  };
  std::map<Address, Block> blocks_;  // of the heap
  AccessMap map_;
  std::uint64_t steps_ = 0;
  std::uint64_t sweep_at_ = std::uint64_t{64} << 20;
  std::uint64_t covered_ = 0;  // entries in all flows
};

}  // namespace tutti::ub
