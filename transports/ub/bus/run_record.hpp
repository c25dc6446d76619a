// What happened in a run, and because of what: the time of every fibre in pieces, the times of
// every transfer, and links from what ended a wait to what had been waited for.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <vector>

#include "base/call_watcher.hpp"
#include "transports/ub/bus/parcel.hpp"
#include "transports/ub/engine/entity.hpp"
#include "transports/ub/engine/fibre_watcher.hpp"
#include "transports/ub/model/transfer_probe.hpp"

namespace tutti::ub {

// What a fibre does while its time passes. The first ones are LocalWork's kinds, in their order.
enum class Activity : std::uint8_t {
  kEntry,
  kSync,
  kLoad,
  kQuantise,
  kCounts,
  kLooks,
  kCopy,
  kReduce,
  kFlag,     // a post
  kPoll,     // a look that finds nothing
  kCompute,  // the user's program
  kWait
};
static_assert(static_cast<int>(Activity::kSync) == static_cast<int>(LocalWork::Kind::kSync));
static_assert(static_cast<int>(Activity::kReduce) == static_cast<int>(LocalWork::Kind::kReduce));

inline constexpr std::uint32_t kNoRecord = ~std::uint32_t{0};

// Time of a fibre between two others is no piece of work and no wait: its program looks at the
// clock or pauses.
struct RecordedSpan {
  // What ended a wait. kUnknown: a deadline, or news that no transfer brought.
  enum class Cause : std::uint8_t {
    kUnknown,
    kFibre,     // did something at the end of the wait
    kDelivery,  // a transfer came out: RecordedTransfer::out
    kLeft       // a transfer had left
  };
  Picoseconds begin{};
  Picoseconds end{};
  Activity what = Activity::kWait;
  Cause cause = Cause::kUnknown;
  std::uint32_t by = kNoRecord;  // fibre or transfer
};

struct RecordedFibre {
  Entity who;
  Picoseconds begin{};
  std::uint32_t by = kNoRecord;     // the fibre that made it
  std::vector<RecordedSpan> spans;  // in order of time; do not overlap
};

struct RecordedTransfer {
  static constexpr Picoseconds kNot{-1};  // not known

  Picoseconds started{};
  Picoseconds first_issue = kNot;  // of its rows
  Picoseconds last_issue = kNot;
  Picoseconds egress = kNot;  // the port begins
  Picoseconds left = kNot;
  Picoseconds ingress = kNot;  // that port begins, ...
  Picoseconds passed = kNot;   // ... and has passed it
  Picoseconds arrived = kNot;  // kNot: lost, or under way at the end
  std::uint64_t bytes = 0;
  std::int32_t from = 0;  // who has the bytes
  std::int32_t to = 0;
  std::uint32_t fibre = kNoRecord;  // that started it
  std::uint32_t rows = 1;
  std::uint32_t behind = kNoRecord;  // it came out when this one arrived, which was later
  Parcel::Kind kind = Parcel::Kind::kPut;

  bool reads() const noexcept { return kind == Parcel::Kind::kRead; }
};

// A part of a fibre's time that somebody has named: an operation.
struct RecordedMark {
  std::uint32_t fibre = kNoRecord;
  std::string name;
  Picoseconds begin{};
  Picoseconds end = RecordedTransfer::kNot;  // kNot: open at the end of the run
};

// A call of the library that a fibre carried out (CallFacts).
struct RecordedCall {
  std::uint32_t fibre = kNoRecord;
  std::string kind;
  std::string communicator;  // empty: of none
  std::string algorithm;
  std::uint64_t bytes = 0;
  std::uint64_t sequence = CallFacts::kNoSequence;
  Picoseconds begin{};
  Picoseconds end = RecordedTransfer::kNot;  // kNot: open at the end of the run
};

// Rows for an expert that its rank received in a call.
struct RecordedLoad {
  std::uint32_t call = kNoRecord;
  int expert = 0;
  std::int64_t rows = 0;
};

// Everything is added as it happens, by the simulation that owns the record. When it would need
// more than `most_bytes`, nothing more is added, and the simulation ends (full()).
class RunRecord final : public FibreWatcher, public TransferProbe {
 public:
  explicit RunRecord(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}

  const std::vector<RecordedFibre>& fibres() const noexcept { return fibres_; }
  const std::deque<RecordedTransfer>& transfers() const noexcept { return transfers_; }
  const std::vector<RecordedMark>& marks() const noexcept { return marks_; }  // by begin
  const std::vector<RecordedCall>& calls() const noexcept { return calls_; }  // by begin
  const std::vector<RecordedLoad>& loads() const noexcept { return loads_; }
  // The first fibre of a rank; kNoRecord: there is none.
  std::uint32_t fibre_of_rank(int rank) const noexcept;
  // When the transfer could be seen.
  Picoseconds out(const RecordedTransfer& transfer) const noexcept {
    return transfer.behind == kNoRecord ? transfer.arrived : transfers_[transfer.behind].arrived;
  }

  bool full() const noexcept { return full_; }
  std::uint64_t bytes() const noexcept { return bytes_; }
  std::uint64_t most_bytes() const noexcept { return most_bytes_; }

  // --- From the simulation.

  void worked(FibreId id, Activity what, Picoseconds begin, Picoseconds end);
  // All that the fibre did between these times was to wait for the transfer.
  void waited_for(FibreId id, Picoseconds since, Picoseconds until, RecordedSpan::Cause cause,
                  std::uint32_t transfer);
  void begin_mark(FibreId id, std::string name, Picoseconds when);
  void end_mark(FibreId id, Picoseconds when);

  void begin_call(FibreId id, const CallFacts& facts, Picoseconds when);
  void end_call(FibreId id, Picoseconds when) noexcept;
  // In the fibre's innermost call.
  void note_experts(FibreId id, std::span<const int> experts, std::span<const std::int64_t> rows);

  // Of parcels by number, which are used again.
  void started(const Parcel& parcel, std::uint32_t rows, FibreId by, Picoseconds when);
  void left(std::uint32_t parcel, Picoseconds when);
  void arrived(std::uint32_t parcel, Picoseconds when);
  void came_out_behind(std::uint32_t parcel, std::uint32_t transfer);
  std::uint32_t transfer_of(std::uint32_t parcel) const noexcept {
    return parcel < of_parcel_.size() ? of_parcel_[parcel] : kNoRecord;
  }
  // Who is woken from now on is woken by this one's coming out; kNoRecord: by something else.
  void deliver(std::uint32_t transfer) noexcept { delivering_ = transfer; }

 private:
  struct Waker {
    RecordedSpan::Cause cause = RecordedSpan::Cause::kUnknown;
    std::uint32_t by = kNoRecord;
  };

  void spawned(FibreId id, const Entity& who, Picoseconds time, std::optional<FibreId> by) override;
  void woken(FibreId id, std::optional<FibreId> by) override;
  void waited(FibreId id, Picoseconds since, Picoseconds until) override;
  void issued(std::uint64_t tag, Picoseconds first, Picoseconds last) override;
  void took_egress(std::uint64_t tag, Picoseconds start) override;
  void took_ingress(std::uint64_t tag, Picoseconds start, Picoseconds end) override;

  bool room_for(std::uint64_t bytes) noexcept;
  void add_span(std::uint32_t fibre, const RecordedSpan& span);
  std::uint32_t number_of(FibreId id) const noexcept { return of_fibre_[id.index]; }
  RecordedTransfer* find(std::uint64_t parcel) noexcept;

  const std::uint64_t most_bytes_;
  std::uint64_t bytes_ = 0;
  bool full_ = false;
  std::vector<RecordedFibre> fibres_;
  std::vector<Waker> wakers_;               // [fibre]: of the wait under way
  std::deque<RecordedTransfer> transfers_;  // by start
  std::vector<RecordedMark> marks_;
  std::vector<RecordedCall> calls_;
  std::vector<RecordedLoad> loads_;
  std::vector<std::vector<std::uint32_t>>
      open_calls_;                        // [fibre]: innermost last; kNoRecord: left out
  std::vector<std::uint32_t> of_fibre_;   // [index of its FibreId]: the one that is there now
  std::vector<std::uint32_t> of_parcel_;  // [number]
  std::uint32_t delivering_ = kNoRecord;
};

}  // namespace tutti::ub
