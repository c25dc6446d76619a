#include "transports/ub/report/port_use.hpp"

#include <algorithm>
#include <map>

namespace tutti::ub {

namespace {

constexpr Picoseconds kNot = RecordedTransfer::kNot;

// When the bytes of a transfer pass a port.
struct Passage {
  Picoseconds begin{};
  Picoseconds end{};
  Picoseconds queued{};  // before that
};

// Does a message have one plane of several, which takes longer?
bool stays_on_a_plane(const Network& network) {
  return network.planes > 1 && network.spraying != Spraying::kSummed &&
         network.spraying != Spraying::kPerCell;
}

class PortUse {
 public:
  PortUse(const Topology& topology, const Interval& interval)
      : topology_(topology), interval_(interval), bin_ps_(interval.bin_ps()) {}

  void add(const RecordedTransfer& transfer) {
    if (transfer.arrived != kNot && transfer.arrived <= interval_.begin) return;
    if (transfer.started >= interval_.end) return;
    const bool reads = transfer.reads();
    const FabricPath& path =
        topology_.path(reads ? transfer.to : transfer.from, reads ? transfer.from : transfer.to,
                       reads ? Direction::kRead : Direction::kWrite);
    if (path.network < 0 || transfer.left == kNot) return;
    const Picoseconds busy = path.port.time(transfer.bytes);
    const Network& network = topology_.profile().networks[static_cast<std::size_t>(path.network)];
    const Picoseconds whole = stays_on_a_plane(network) ? path.plane.time(transfer.bytes) : busy;
    const Passage out = egress_of(transfer, path, whole);
    count(PortKind::kEgress, path.network, transfer.from, out, busy, transfer);
    const Passage in = ingress_of(transfer, path, whole, out);
    if (transfer.arrived != kNot) {
      count(PortKind::kIngress, path.network, transfer.to, in, busy, transfer);
    }
    const int from = topology_.node_of(transfer.from);
    const int to = topology_.node_of(transfer.to);
    if (!network.trunk || from == to) return;
    const Picoseconds trunk = topology_.trunk_port(path.network).time(transfer.bytes);
    const Picoseconds third = path.to_trunk();
    count(PortKind::kTrunkUp, path.network, from, {out.begin + third, out.end + third, {}}, trunk,
          transfer);
    if (transfer.arrived != kNot) {
      count(PortKind::kTrunkDown, path.network, to, {in.begin - third, in.end - third, {}}, trunk,
            transfer);
    }
  }

  std::vector<PortGroup> take() {
    std::vector<PortGroup> groups;
    groups.reserve(groups_.size());
    for (auto& [key, group] : groups_) groups.push_back(std::move(group));
    return groups;
  }

 private:
  static Passage egress_of(const RecordedTransfer& transfer, const FabricPath& path,
                           Picoseconds whole) {
    const Picoseconds issued = std::max(transfer.started, transfer.first_issue) + path.before_port;
    if (transfer.egress != kNot) {
      return {transfer.egress, transfer.egress + whole,
              std::max(Picoseconds::zero(), transfer.egress - issued)};
    }
    return {std::min(issued, transfer.left - whole), transfer.left, {}};
  }

  static Passage ingress_of(const RecordedTransfer& transfer, const FabricPath& path,
                            Picoseconds whole, const Passage& out) {
    const Picoseconds head = out.begin + path.flight;
    if (transfer.ingress != kNot) {
      return {transfer.ingress, transfer.passed,
              std::max(Picoseconds::zero(), transfer.ingress - head)};
    }
    return {std::min(head, transfer.arrived - whole), transfer.arrived, {}};
  }

  PortGroup& group_of(PortKind kind, int network) {
    const auto [found, added] = groups_.try_emplace({network, kind});
    if (added) {
      const bool of_nodes = kind == PortKind::kTrunkUp || kind == PortKind::kTrunkDown;
      const int ports = of_nodes ? topology_.nodes() : topology_.ranks();
      found->second = {.kind = kind, .network = network, .ports = {}};
      found->second.ports.resize(static_cast<std::size_t>(ports));
    }
    return found->second;
  }

  // The part of it that lies in the interval.
  void count(PortKind kind, int network, int place, const Passage& passage, Picoseconds busy,
             const RecordedTransfer& transfer) {
    const Picoseconds from = std::max(passage.begin, interval_.begin);
    const Picoseconds to = std::min(std::max(passage.end, passage.begin), interval_.end);
    if (from > to || passage.begin >= interval_.end || passage.end < interval_.begin) return;
    PortSum& port = group_of(kind, network).ports[static_cast<std::size_t>(place)];
    port.bytes += transfer.bytes;
    ++port.transfers;
    port.queue_ps += static_cast<double>(passage.queued.count());
    const double length = static_cast<double>((passage.end - passage.begin).count());
    if (length <= 0) return;
    spread(port, static_cast<double>((from - interval_.begin).count()),
           static_cast<double>((to - interval_.begin).count()),
           static_cast<double>(busy.count()) / length);
  }

  void spread(PortSum& port, double from, double to, double share) {
    if (port.busy.empty()) port.busy.resize(static_cast<std::size_t>(interval_.bins));
    port.busy_ps += (to - from) * share;
    const int last = interval_.bins - 1;
    for (int bin = std::min(last, static_cast<int>(from / bin_ps_)); bin <= last; ++bin) {
      const double begin = std::max(from, bin * bin_ps_);
      const double end = bin == last ? to : std::min(to, (bin + 1) * bin_ps_);
      if (end <= begin) break;
      port.busy[static_cast<std::size_t>(bin)] += static_cast<float>((end - begin) * share);
    }
  }

  const Topology& topology_;
  const Interval& interval_;
  const double bin_ps_;
  std::map<std::pair<int, PortKind>, PortGroup> groups_;
};

}  // namespace

std::vector<PortGroup> port_use(const RunRecord& record, const Topology& topology,
                                const Interval& interval) {
  PortUse use(topology, interval);
  for (const RecordedTransfer& transfer : record.transfers()) use.add(transfer);
  return use.take();
}

}  // namespace tutti::ub
