// What a run, or an operation in it, had to wait for: from its end back through the causes of all
// waits, so that every picosecond is somebody's work or some transfer's way.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "transports/ub/bus/run_record.hpp"
#include "transports/ub/model/topology.hpp"
#include "transports/ub/trace/operations.hpp"
#include "transports/ub/trace/port_order.hpp"

namespace tutti::ub {

// What a piece of the path was spent on. The first ones are the activities of a rank.
enum class Part : std::uint8_t {
  kEntry,
  kSync,
  kLoad,
  kQuantise,
  kCounts,
  kLooks,
  kCopy,
  kReduce,
  kFlag,
  kPoll,
  kCompute,
  kWait,       // for a deadline, or for what no transfer brought
  kIssue,      // rows wait for cores, which start one after another
  kQueue,      // a port passes the bytes of others who came first
  kSerialise,  // a port, or a rank's own memory, passes bytes
  kHop,        // the way before, between and behind ports
  kStraggler,  // who is waited for has not begun yet
  kOther       // a program looks at the clock or pauses
};
inline constexpr std::size_t kParts = 18;
std::string_view name_of(Part part) noexcept;

struct PathPiece {
  Part part;
  Entity who;     // of a transfer: who started it
  int peer = -1;  // of a transfer: the other end
  Picoseconds begin{};
  Picoseconds end{};
};

struct CriticalPath {
  std::string name;  // "run", or that of the operation
  Picoseconds begin{};
  Picoseconds end{};
  int last_rank = -1;                       // at whose end it begins its way back
  std::array<Picoseconds, kParts> parts{};  // their sum is end - begin
  std::vector<PathPiece> pieces;            // by time, each begins where the one before ends

  Picoseconds total() const noexcept { return end - begin; }
  Picoseconds operator[](Part part) const noexcept { return parts[static_cast<std::size_t>(part)]; }
};

// Finds paths in a record, which is complete and outlives it, as `topology` does.
class CriticalPaths {
 public:
  CriticalPaths(const RunRecord& record, const Topology& topology)
      : record_(record), topology_(topology), order_(record, topology) {}

  // Of the whole run, until `end` (SimulationReport::end).
  CriticalPath of_run(Picoseconds end) const;
  CriticalPath of(const RecordedOperation& operation) const;
  // Of every operation that ranks have marked (operations_of_marks).
  std::vector<CriticalPath> of_marks() const;

 private:
  class Walk;

  const RunRecord& record_;
  const Topology& topology_;
  const PortOrder order_;
};

// What a transfer spent between its start and `until`, its `left` or `arrived`: pieces that follow
// each other.
std::vector<PathPiece> pieces_of(const RecordedTransfer& transfer, const Topology& topology,
                                 const Entity& who, bool until_left);
// The same until a port begins to pass it, which is known.
std::vector<PathPiece> pieces_until(const RecordedTransfer& transfer, const Topology& topology,
                                    const Entity& who, PortEnd end);

}  // namespace tutti::ub
