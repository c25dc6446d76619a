#include "transports/ub/report/report_window.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "transports/ub/report/expert_load.hpp"
#include "transports/ub/report/report_operations.hpp"

namespace tutti::ub {

namespace {

using nlohmann::json;

constexpr int kHeatBins = 160;
constexpr int kTrackBins = 480;
constexpr std::size_t kMostRows = 512;      // of a picture; beyond, neighbours share one
constexpr std::size_t kMostSpans = 12'000;  // shown one by one; beyond, what fills most of each bin
constexpr std::size_t kMostCalls = 6'000;
constexpr std::size_t kMostPieces = 2'500;
constexpr std::size_t kMostPorts = 12;

// How many neighbours share a row of a picture.
std::size_t step_of(std::size_t rows) { return (rows + kMostRows - 1) / kMostRows; }

// A share of 0 to 1 as one of 64 characters, as in base64; whatever is not nothing is seen.
char shade_of(double share) {
  constexpr std::string_view kShades =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const double steps = std::clamp(share, 0.0, 1.0) * 63;
  return kShades[static_cast<std::size_t>(steps > 0 && steps < 1 ? 1 : steps + 0.5)];
}

std::string title_of_ports(const PortGroup& group, const Topology& topology) {
  return fmt::format("{}, {}", kPortKindNames[static_cast<std::size_t>(group.kind)],
                     topology.profile().networks[static_cast<std::size_t>(group.network)].name);
}

bool of_nodes(const PortGroup& group) {
  return group.kind == PortKind::kTrunkUp || group.kind == PortKind::kTrunkDown;
}

json heat_json(const PortGroup& group, const Topology& topology, const Interval& interval) {
  const std::size_t step = step_of(group.ports.size());
  json rows = json::array();
  for (std::size_t first = 0; first < group.ports.size(); first += step) {
    const std::size_t end = std::min(first + step, group.ports.size());
    std::string row;
    for (int bin = 0; bin < interval.bins; ++bin) {
      double busy = 0;
      for (std::size_t port = first; port < end; ++port) {
        const std::vector<float>& bins = group.ports[port].busy;
        if (!bins.empty()) busy += static_cast<double>(bins[static_cast<std::size_t>(bin)]);
      }
      row += shade_of(busy / interval.bin_ps() / static_cast<double>(end - first));
    }
    rows.push_back(std::move(row));
  }
  double busy = 0;
  for (const PortSum& port : group.ports) busy += port.busy_ps;
  const double time = static_cast<double>((interval.end - interval.begin).count());
  return {{"title", title_of_ports(group, topology)},
          {"place", of_nodes(group) ? "node" : "rank"},
          {"step", step},
          {"mean", busy / time / static_cast<double>(group.ports.size())},
          {"rows", std::move(rows)}};
}

json ports_json(const std::vector<PortGroup>& groups, const Topology& topology,
                const Interval& interval) {
  struct Place {
    const PortGroup* group;
    std::size_t index;
    const PortSum& port() const { return group->ports[index]; }
  };
  std::vector<Place> places;
  for (const PortGroup& group : groups) {
    for (std::size_t i = 0; i < group.ports.size(); ++i) places.push_back({&group, i});
  }
  const std::size_t shown = std::min(kMostPorts, places.size());
  std::partial_sort(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(shown),
                    places.end(), [](const Place& a, const Place& b) {
                      return a.port().busy_ps != b.port().busy_ps
                                 ? a.port().busy_ps > b.port().busy_ps
                                 : std::pair(a.group, a.index) < std::pair(b.group, b.index);
                    });
  places.resize(shown);
  const double time = static_cast<double>((interval.end - interval.begin).count());
  json ports = json::array();
  for (const Place& place : places) {
    const PortSum& port = place.port();
    if (port.transfers == 0) continue;
    double peak = 0;
    for (const float busy : port.busy) peak = std::max(peak, static_cast<double>(busy));
    ports.push_back({{"name", fmt::format("{} {}, {}", of_nodes(*place.group) ? "node" : "rank",
                                          place.index, title_of_ports(*place.group, topology))},
                     {"busy", port.busy_ps / time},
                     {"peak", std::min(1.0, peak / interval.bin_ps())},
                     {"bytes", port.bytes},
                     {"transfers", port.transfers},
                     {"queue_ps", static_cast<std::int64_t>(port.queue_ps)}});
  }
  return ports;
}

class Tracks {
 public:
  explicit Tracks(const ReportWindow& window)
      : interval_{.begin = window.path.begin, .end = window.path.end, .bins = kTrackBins} {}

  json build(const RunRecord& record) {
    const std::vector<RankTrack> tracks = rank_tracks(record, interval_);
    std::size_t spans = 0;
    std::size_t calls = 0;
    for (const RankTrack& track : tracks) {
      spans += track.spans.size();
      calls += track.calls.size();
    }
    const bool exact = spans <= kMostSpans;
    const std::size_t step = exact ? 1 : step_of(tracks.size());
    json rows = json::array();
    for (std::size_t i = 0; i < tracks.size(); i += step) {
      const RankTrack& track = tracks[i];
      json row = {{"rank", track.who.rank}, {"stream", track.who.stream}};
      if (exact) {
        row["spans"] = spans_json(track);
      } else {
        row["bins"] = busiest_activities(track, interval_);
      }
      if (calls <= kMostCalls) row["calls"] = calls_json(track);
      rows.push_back(std::move(row));
    }
    return {{"exact", exact},
            {"step", step},
            {"bins", kTrackBins},
            {"calls", calls <= kMostCalls},
            {"names", std::move(names_)},
            {"rows", std::move(rows)}};
  }

 private:
  std::int64_t at(Picoseconds time) const { return (time - interval_.begin).count(); }

  // Flat: what, begin, length, who ended a wait; neighbours of one kind are one.
  json spans_json(const RankTrack& track) const {
    json flat = json::array();
    const TrackSpan* last = nullptr;
    for (const TrackSpan& span : track.spans) {
      const std::int64_t length = (span.end - span.begin).count();
      if (last != nullptr && last->what == span.what && last->end == span.begin &&
          last->rank == span.rank) {
        json& before = flat[flat.size() - 2];
        before = before.get<std::int64_t>() + length;
      } else {
        flat.insert(flat.end(), {static_cast<int>(span.what), at(span.begin), length, span.rank});
      }
      last = &span;
    }
    return flat;
  }

  // Flat: name, begin, length.
  json calls_json(const RankTrack& track) {
    json flat = json::array();
    for (const TrackCall& each : track.calls) {
      const RecordedCall& call = *each.call;
      const std::string name =
          title_of({.name = call.kind, .algorithm = call.algorithm, .bytes = call.bytes}, false);
      const auto [found, added] = numbers_.try_emplace(name, numbers_.size());
      if (added) names_.push_back(name);
      flat.insert(flat.end(), {static_cast<std::int64_t>(found->second), at(each.begin),
                               (each.end - each.begin).count()});
    }
    return flat;
  }

  Interval interval_;
  std::map<std::string, std::size_t> numbers_;
  json names_ = json::array();
};

// Flat: part, begin, length, rank, stream, other end or -1. The longest, where there are many.
json pieces_json(const CriticalPath& path) {
  std::vector<PathPiece> pieces;
  for (const PathPiece& piece : path.pieces) {
    if (!pieces.empty() && pieces.back().part == piece.part && pieces.back().who == piece.who &&
        pieces.back().peer == piece.peer) {
      pieces.back().end = piece.end;
    } else {
      pieces.push_back(piece);
    }
  }
  if (pieces.size() > kMostPieces) {
    std::vector<Picoseconds> lengths;
    lengths.reserve(pieces.size());
    for (const PathPiece& piece : pieces) lengths.push_back(piece.end - piece.begin);
    const auto least = lengths.begin() + kMostPieces;
    std::nth_element(lengths.begin(), least, lengths.end(), std::greater<>());
    const Picoseconds limit = *least;
    std::erase_if(pieces, [&](const PathPiece& piece) { return piece.end - piece.begin <= limit; });
  }
  json flat = json::array();
  for (const PathPiece& piece : pieces) {
    flat.insert(
        flat.end(),
        {static_cast<std::int64_t>(piece.part), (piece.begin - path.begin).count(),
         (piece.end - piece.begin).count(), static_cast<std::int64_t>(piece.who.rank),
         static_cast<std::int64_t>(piece.who.stream), static_cast<std::int64_t>(piece.peer)});
  }
  return flat;
}

}  // namespace

json window_json(const RunRecord& record, const Topology& topology, const ReportWindow& window) {
  const CriticalPath& path = window.path;
  const Interval interval{.begin = path.begin, .end = path.end, .bins = kHeatBins};
  const std::vector<PortGroup> groups = port_use(record, topology, interval);
  json heat = json::array();
  for (const PortGroup& group : groups) heat.push_back(heat_json(group, topology, interval));
  json parts = json::array();
  for (const Picoseconds part : path.parts) parts.push_back(part.count());
  json experts = json::array();
  for (const ExpertLoad& load : expert_load(record, interval)) {
    experts.push_back({load.expert, load.rank, load.rows});
  }
  return {{"title", window.title},
          {"kind", window.kind},
          {"begin_ps", path.begin.count()},
          {"total_ps", path.total().count()},
          {"last_rank", path.last_rank},
          {"parts_ps", std::move(parts)},
          {"path", pieces_json(path)},
          {"heat", std::move(heat)},
          {"ports", ports_json(groups, topology, interval)},
          {"tracks", Tracks(window).build(record)},
          {"experts", std::move(experts)}};
}

}  // namespace tutti::ub
