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
  kQueue,      // for a port that others use
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

// Of the whole run, until `end` (SimulationReport::end).
CriticalPath path_of_run(const RunRecord& record, const Topology& topology, Picoseconds end);

// Of every operation that ranks have marked (operations_of_marks).
std::vector<CriticalPath> paths_of_marks(const RunRecord& record, const Topology& topology);

CriticalPath path_of(const RunRecord& record, const Topology& topology,
                     const RecordedOperation& operation);

// What a transfer spent between its start and `until`, its `left` or `arrived`: pieces that follow
// each other.
std::vector<PathPiece> pieces_of(const RecordedTransfer& transfer, const Topology& topology,
                                 const Entity& who, bool until_left);

}  // namespace tutti::ub
