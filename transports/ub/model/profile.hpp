// A fabric as its profile describes it, checked; docs/fabric-model.md explains every field. All
// figures are those of one unit of the lowest level: a die, a GPU.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transports/ub/model/decimal.hpp"
#include "transports/ub/model/fault.hpp"
#include "transports/ub/model/kernel_table.hpp"

namespace tutti::ub {

// How far apart two ranks are.
enum class HopClass : std::uint8_t {
  kSelf,
  kSiblingDie,
  kSameNode,
  kOtherNode,
  kOtherSupernode,
};
inline constexpr int kHopClasses = 5;
inline constexpr std::array<std::string_view, kHopClasses> kHopClassNames = {
    "self", "sibling_die", "same_node", "other_node", "other_supernode"};

// A put or a commit moves bytes from the caller to the peer, a view or a get from the peer to the
// caller.
enum class Direction : std::uint8_t { kRead, kWrite };
inline constexpr int kDirections = 2;

// How a network spreads traffic over its planes; no vendor has published it.
enum class Spraying : std::uint8_t {
  kSummed,       // one port of summed bandwidth
  kPerCell,      // even shares on all planes: the slowest plane decides
  kMessageHash,  // a message stays on the plane that its hash names
  kLeastLoaded,  // a message goes to the plane that is free first at its source
  kPinned,       // a source uses one plane, its rank modulo planes
};
inline constexpr std::array<std::string_view, 5> kSprayingNames = {
    "summed", "per_cell", "message_hash", "least_loaded", "pinned"};

// Units of this level lie inside units of the next one, `count` in each. The last is the whole.
struct Level {
  std::string name;
  std::int64_t count = 1;
};

// From a node into the rest of its network: L1 to L2, for instance.
struct Trunk {
  int links = 1;  // per plane
  Decimal link_GBps = Decimal::of_units(0);
};

struct Network {
  std::string name;
  int planes = 1;
  Decimal link_GBps = Decimal::of_units(0);  // one way, per unit and plane
  Spraying spraying = Spraying::kSummed;
  int latency_before_port_percent = 0;    // part of a latency that passes before a port is taken
  std::int64_t receive_buffer_bytes = 0;  // per unit: what credits are given for
  Decimal detection_ns = Decimal::of_units(0);  // from a failure to its being routed around
  std::optional<Trunk> trunk;
};

// As measured between two idle units: `latency` for 512 bytes, bandwidth for long transfers.
struct PathCost {
  Decimal latency_ns = Decimal::of_units(0);
  Decimal bandwidth_GBps = Decimal::of_units(0);
};

struct Hop {
  HopClass hop_class = HopClass::kSelf;
  int within = 0;    // index into levels: the lowest that holds both ends
  int network = -1;  // index into Profile::networks; -1: own memory
  std::array<PathCost, kDirections> cost;
};

// What a unit's own work costs beside the wire; docs/simulated-bus.md says who pays for what. Where
// a profile has none, all of it is free.
struct Software {
  int cores = 1;
  Decimal operator_entry_ns = Decimal::of_units(0);
  Decimal core_sync_ns = Decimal::of_units(0);
  Decimal row_issue_ns = Decimal::of_units(0);     // a core's time to start one row
  Decimal flag_ns = Decimal::of_units(0);          // a core's, to raise one flag
  Decimal count_ns = Decimal::of_units(0);         // a core's, to take one peer's count into a sum
  Decimal poll_ns = Decimal::of_units(0);          // a core's, to look at one flag
  Decimal token_load_GBps = Decimal::of_units(0);  // a core's, from memory
  Decimal quantise_GBps = Decimal::of_units(0);    // a core's, of input bytes
  Decimal local_copy_GBps = Decimal::of_units(0);  // all cores together, of copied bytes
  Decimal reduce_GBps = Decimal::of_units(0);      // all cores together, of input bytes
  int jitter_percent = 0;  // a piece of work takes this much more or less, by chance
};

// A published time that a calibration is to meet.
struct CalibrationPoint {
  int ranks = 0;
  int tokens = 0;  // per rank
  Decimal dispatch_us = Decimal::of_units(0);
  Decimal combine_us = Decimal::of_units(0);
};

// A field that a calibration has set, beside what physics let expect.
struct FittedField {
  std::string field;  // JSON path
  Decimal estimate = Decimal::of_units(0);
};

struct Calibration {
  std::vector<CalibrationPoint> points;
  std::vector<FittedField> fitted;
};

struct Profile {
  std::string name;
  std::string file;  // for messages
  std::string about;
  std::vector<Level> levels;     // lowest first
  std::vector<int> rank_levels;  // what a rank may be; the first is the default
  int node_level = 0;            // what RankPlacement::nodes and faults call a node
  std::vector<Network> networks;
  std::vector<Hop> hops;  // nearest first
  std::optional<Software> software;
  std::vector<KernelTable> kernels;
  std::vector<Fault> faults;
  Calibration calibration;

  // How many units of `level` one unit of `above` holds; `above` is not below `level`.
  std::int64_t units(int level, int above) const;
  int level_named(std::string_view name) const;    // -1: none
  int network_named(std::string_view name) const;  // -1: none
};

// `file` is only for messages. `settings`, PATH=VALUE each, change fields before they are checked:
// "planes=6", "bus/link_GBps=56", "straggler=200". Throws tuttiInvalidArgument for anything that is
// not a fabric.
Profile parse_profile(std::string_view text, std::string_view file,
                      std::span<const std::string> settings = {});

// By the name of a built-in profile, or else by the path of a file.
Profile load_profile(const std::string& name_or_path, std::span<const std::string> settings = {});
std::vector<std::string_view> profile_names();

}  // namespace tutti::ub
