// parse_profile: from JSON to a Profile, with everything checked that can be checked without ranks.
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "transports/ub/model/cost_parser.hpp"
#include "transports/ub/model/field_reader.hpp"
#include "transports/ub/model/json_value.hpp"
#include "transports/ub/model/level_parser.hpp"
#include "transports/ub/model/profile.hpp"
#include "transports/ub/model/profile_settings.hpp"

namespace tutti::ub {

namespace {

constexpr std::int64_t kMostPlanes = 64;
constexpr std::int64_t kMost = 1'000'000'000;

class Parser {
 public:
  Parser(std::string file, const JsonValue& document)
      : document_(document), file_(std::move(file)), root_(file_, "", document) {
    profile_.file = file_;
  }

  Profile parse() {
    profile_.name = root_.text("name");
    profile_.about = root_.text("about");
    parse_topology(root_.object("topology"));
    for (FieldReader& network : root_.objects("networks")) parse_network(network);
    for (FieldReader& hop : root_.objects("hops")) parse_hop(hop);
    check_reach();
    if (auto software = root_.optional_object("software")) {
      profile_.software = parse_software(*software);
    }
    profile_.kernels = parse_kernels(root_);
    if (auto faults = root_.optional_object("faults")) parse_faults(*faults);
    if (auto calibration = root_.optional_object("calibration")) parse_calibration(*calibration);
    root_.done();
    return std::move(profile_);
  }

 private:
  int level(FieldReader& reader, std::string_view name) {
    return level_of(reader, name, reader.text(name));
  }
  int level_of(const FieldReader& reader, std::string_view field, const std::string& name) {
    const int index = profile_.level_named(name);
    if (index < 0) reader.complain(field, fmt::format("there is no level '{}'", name));
    return index;
  }
  int network(FieldReader& reader) {
    const std::string name = reader.text("network");
    const int index = profile_.network_named(name);
    if (index < 0) reader.complain("network", fmt::format("there is no network '{}'", name));
    return index;
  }

  void parse_topology(FieldReader reader) {
    reader.text("source");
    profile_.levels = parse_levels(reader);
    profile_.node_level = level(reader, "node");
    for (const std::string& name : reader.texts("ranks")) {
      const int rank_level = level_of(reader, "ranks", name);
      if (rank_level > profile_.node_level) {
        reader.complain("ranks", fmt::format("a '{}' is larger than a node", name));
      }
      profile_.rank_levels.push_back(rank_level);
    }
    reader.done();
  }

  void parse_network(FieldReader& reader) {
    Network network;
    network.name = reader.text("name");
    if (profile_.network_named(network.name) >= 0) {
      reader.complain("name", fmt::format("a second network '{}'", network.name));
    }
    reader.text("source");
    network.planes = static_cast<int>(reader.whole("planes", 1, kMostPlanes));
    network.link_GBps = reader.above_zero("link_GBps");
    network.spraying = static_cast<Spraying>(reader.word("spraying", kSprayingNames));
    network.latency_before_port_percent =
        static_cast<int>(reader.whole("latency_before_port_percent", 0, 100));
    network.receive_buffer_bytes = reader.whole("receive_buffer_bytes", 1, kMost);
    network.detection_ns = reader.at_least_zero("detection_ns");
    if (auto trunk = reader.optional_object("trunk")) {
      network.trunk = Trunk{.links = static_cast<int>(trunk->whole("links", 1, 1 << 16)),
                            .link_GBps = trunk->above_zero("link_GBps")};
      trunk->done();
    }
    reader.done();
    profile_.networks.push_back(std::move(network));
  }

  void parse_hop(FieldReader& reader) {
    Hop hop;
    hop.hop_class = static_cast<HopClass>(reader.word("class", kHopClassNames));
    reader.text("source");
    if (!profile_.hops.empty() && profile_.hops.back().hop_class >= hop.hop_class) {
      reader.complain("class", "hops stand in order, nearest first, each class once");
    }
    if (hop.hop_class != HopClass::kSelf) {
      hop.network = network(reader);
      hop.within = level(reader, "within");
      if (profile_.hops.empty()) reader.complain("class", "the first hop is 'self'");
      if (hop.within <= profile_.hops.back().within) {
        reader.complain("within", "a farther hop lies within a larger level");
      }
    }
    for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
      FieldReader cost = reader.object(direction == Direction::kRead ? "read" : "write");
      hop.cost[static_cast<std::size_t>(direction)] = parse_cost(cost, hop.network);
    }
    reader.done();
    profile_.hops.push_back(hop);
  }

  PathCost parse_cost(FieldReader& reader, int network) {
    const PathCost cost{.latency_ns = reader.at_least_zero("latency_ns"),
                        .bandwidth_GBps = reader.above_zero("bandwidth_GBps")};
    if (network >= 0) {
      const Network& wire = profile_.networks[static_cast<std::size_t>(network)];
      if (cost.bandwidth_GBps.units() / wire.planes > wire.link_GBps.units()) {
        reader.complain(
            "bandwidth_GBps",
            fmt::format("more than the {} links of network '{}' carry", wire.planes, wire.name));
      }
    }
    reader.done();
    return cost;
  }

  // Any two units have a hop.
  void check_reach() {
    const int whole = static_cast<int>(profile_.levels.size()) - 1;
    if (profile_.hops.empty()) root_.complain("hops", "the first hop is 'self'");
    if (profile_.hops.back().within < whole) {
      root_.complain("hops", fmt::format("disconnected: no hop leads through '{}'",
                                         profile_.levels.back().name));
    }
  }

  void parse_faults(FieldReader& reader) {
    reader.text("source");
    for (FieldReader& fault : reader.objects("events")) parse_fault(fault);
    reader.done();
  }

  // A number, or "any".
  static int choice(FieldReader& reader, std::string_view name, std::int64_t highest) {
    if (!reader.is(name, JsonValue::Kind::kString)) {
      return static_cast<int>(reader.whole(name, 0, highest));
    }
    constexpr std::array<std::string_view, 1> kAny = {"any"};
    reader.word(name, kAny);
    return Fault::kAny;
  }

  void parse_fault(FieldReader& reader) {
    using Kind = Fault::Kind;
    Fault fault;
    fault.kind = static_cast<Kind>(reader.word("kind", kFaultKindNames));
    fault.at = nanoseconds(reader.at_least_zero("at_ns"));
    const bool of_rank = fault.kind == Kind::kLink || fault.kind == Kind::kRank ||
                         fault.kind == Kind::kSlowLink || fault.kind == Kind::kSlowRank;
    if (of_rank) fault.rank = choice(reader, "rank", kMost);
    if (fault.kind == Kind::kPort || fault.kind == Kind::kNode) {
      fault.node = choice(reader, "node", kMost);
    }
    if (!is_end(fault.kind) && fault.kind != Kind::kSlowRank) {
      fault.network = network(reader);
      const Network& wire = profile_.networks[static_cast<std::size_t>(fault.network)];
      fault.plane = choice(reader, "plane", wire.planes - 1);
      if (fault.kind == Kind::kPort && !wire.trunk) {
        reader.complain("network",
                        fmt::format("'{}' has no trunk whose port could fail", wire.name));
      }
    }
    if (fault.kind == Kind::kSlowLink) {
      fault.percent = static_cast<int>(reader.whole("percent", 1, 99));
    } else if (fault.kind == Kind::kSlowRank) {
      fault.percent = static_cast<int>(reader.whole("percent", 1, 10000));
    }
    reader.done();
    profile_.faults.push_back(fault);
  }

  void parse_calibration(FieldReader& reader) {
    reader.text("source");
    for (FieldReader& point : reader.objects("points")) {
      profile_.calibration.points.push_back(
          {.ranks = static_cast<int>(point.whole("ranks", 1, kMost)),
           .tokens = static_cast<int>(point.whole("tokens", 1, kMost)),
           .dispatch_us = point.above_zero("dispatch_us"),
           .combine_us = point.above_zero("combine_us")});
      point.done();
    }
    for (FieldReader& fitted : reader.objects("fitted")) {
      FittedField field{.field = fitted.text("field"),
                        .estimate = fitted.at_least_zero("estimate")};
      if (!is_number(field.field)) {
        fitted.complain("field",
                        fmt::format("there is no number at '{}' in this file", field.field));
      }
      fitted.done();
      profile_.calibration.fitted.push_back(std::move(field));
    }
    reader.done();
  }

  // Is there a number at this JSON path?
  bool is_number(std::string_view path) const {
    const JsonValue* value = &document_;
    while (value != nullptr && path.starts_with('/')) {
      path.remove_prefix(1);
      const std::string_view name = path.substr(0, path.find('/'));
      const auto position = Decimal::parse(name);
      if (value->kind == JsonValue::Kind::kArray && position && position->is_whole() &&
          position->whole() >= 0 &&
          position->whole() < static_cast<std::int64_t>(value->items.size())) {
        value = &value->items[static_cast<std::size_t>(position->whole())];
      } else {
        value = value->find(name);
      }
      path.remove_prefix(name.size());
    }
    return value != nullptr && path.empty() && value->kind == JsonValue::Kind::kNumber;
  }

  const JsonValue& document_;
  const std::string file_;
  FieldReader root_;
  Profile profile_;
};

}  // namespace

std::int64_t Profile::units(int level, int above) const {
  return std::accumulate(levels.begin() + level, levels.begin() + above, std::int64_t{1},
                         [](std::int64_t units, const Level& l) { return units * l.count; });
}

int Profile::level_named(std::string_view level) const {
  const auto found =
      std::find_if(levels.begin(), levels.end(), [&](const Level& l) { return l.name == level; });
  return found == levels.end() ? -1 : static_cast<int>(found - levels.begin());
}

int Profile::network_named(std::string_view network) const {
  const auto found = std::find_if(networks.begin(), networks.end(),
                                  [&](const Network& n) { return n.name == network; });
  return found == networks.end() ? -1 : static_cast<int>(found - networks.begin());
}

Profile parse_profile(std::string_view text, std::string_view file,
                      std::span<const std::string> settings) {
  JsonValue document = parse_json(text, file);
  Profile profile = Parser(std::string(file), document).parse();
  if (settings.empty()) return profile;
  apply_settings(document, profile, settings);
  return Parser(fmt::format("{} with {}", file, fmt::join(settings, " ")), document).parse();
}

}  // namespace tutti::ub
