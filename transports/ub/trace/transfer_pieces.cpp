// Where the time of one transfer went.
#include <algorithm>

#include "transports/ub/trace/critical_path.hpp"

namespace tutti::ub {

namespace {

// Adds pieces one behind another; those of no length are none.
class Line {
 public:
  Line(const RecordedTransfer& transfer, const Entity& who)
      : at_(transfer.started), who_(who), peer_(transfer.reads() ? transfer.from : transfer.to) {}

  void until(Part part, Picoseconds end) {
    if (end <= at_) return;
    pieces_.push_back({.part = part, .who = who_, .peer = peer_, .begin = at_, .end = end});
    at_ = end;
  }
  // At most that long, and not beyond `limit`; then the rest of it.
  void at_most(Part part, Picoseconds time, Picoseconds limit) {
    until(part, std::min(at_ + time, limit));
  }
  std::vector<PathPiece> take() { return std::move(pieces_); }

 private:
  Picoseconds at_;
  Entity who_;
  int peer_;
  std::vector<PathPiece> pieces_;
};

// What the first byte meets until the port at `end` takes it.
void add_head(Line& line, const RecordedTransfer& transfer, const FabricPath& path, PortEnd end) {
  line.until(Part::kIssue, transfer.first_issue);
  line.until(Part::kHop, transfer.first_issue + path.before_port);
  line.until(Part::kQueue, transfer.egress);
  if (end == PortEnd::kEgress) return;
  line.until(Part::kHop, std::min(transfer.egress + path.flight, transfer.ingress));
  line.until(Part::kQueue, transfer.ingress);
}

// The ports are known: what held up its last byte, the egress or the ingress port?
void add_known(Line& line, const RecordedTransfer& transfer, const FabricPath& path,
               bool until_left) {
  const bool by_ingress = !until_left && transfer.arrived == transfer.passed;
  const bool by_egress = transfer.egress + path.port.time(transfer.bytes) >= transfer.left;
  if (by_ingress || by_egress) {
    add_head(line, transfer, path, by_ingress ? PortEnd::kIngress : PortEnd::kEgress);
    if (by_ingress) return line.until(Part::kSerialise, transfer.arrived);
  } else {  // rows came later than the port could have passed them
    line.until(Part::kIssue, transfer.last_issue);
    line.until(Part::kHop, std::min(transfer.last_issue + path.before_port, transfer.left));
  }
  line.until(Part::kSerialise, transfer.left);
  if (until_left) return;
  line.until(Part::kHop, std::min(transfer.left + path.flight, transfer.arrived));
  line.until(Part::kQueue, transfer.arrived);
}

const FabricPath& path_of(const RecordedTransfer& transfer, const Topology& topology) {
  const bool reads = transfer.reads();
  return topology.path(reads ? transfer.to : transfer.from, reads ? transfer.from : transfer.to,
                       reads ? Direction::kRead : Direction::kWrite);
}

// Otherwise what an idle fabric takes, and the rest is queues.
void add_unknown(Line& line, const RecordedTransfer& transfer, const FabricPath& path,
                 bool until_left) {
  const Picoseconds end = until_left ? transfer.left : transfer.arrived;
  if (transfer.last_issue != RecordedTransfer::kNot) {
    line.until(Part::kIssue, std::min(transfer.last_issue, end));
  }
  line.at_most(Part::kHop, path.before_port, end);
  const Picoseconds behind = until_left ? Picoseconds::zero() : path.flight;
  const Picoseconds serialise = std::min(end, std::max(transfer.started, end - behind));
  const Picoseconds time = path.port.time(transfer.bytes);
  line.until(Part::kQueue, serialise - time);
  line.until(Part::kSerialise, serialise);
  line.until(Part::kHop, end);
}

}  // namespace

std::vector<PathPiece> pieces_until(const RecordedTransfer& transfer, const Topology& topology,
                                    const Entity& who, PortEnd end) {
  Line line(transfer, who);
  add_head(line, transfer, path_of(transfer, topology), end);
  return line.take();
}

std::vector<PathPiece> pieces_of(const RecordedTransfer& transfer, const Topology& topology,
                                 const Entity& who, bool until_left) {
  const FabricPath& path = path_of(transfer, topology);
  Line line(transfer, who);
  const bool known = transfer.egress != RecordedTransfer::kNot &&
                     (until_left || transfer.ingress != RecordedTransfer::kNot);
  known ? add_known(line, transfer, path, until_left)
        : add_unknown(line, transfer, path, until_left);
  return line.take();
}

}  // namespace tutti::ub
