#include "transports/ub/trace/critical_path.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"

namespace tutti::ub {

namespace {

static_assert(static_cast<int>(Part::kReduce) == static_cast<int>(Activity::kReduce));
static_assert(static_cast<int>(Part::kWait) == static_cast<int>(Activity::kWait));

// What a fibre has done to its end, as far as it was recorded.
Picoseconds end_of(const RecordedFibre& fibre) {
  return fibre.spans.empty() ? fibre.begin : fibre.spans.back().end;
}

}  // namespace

// On its way back: a fibre, at a time at which it runs.
class CriticalPaths::Walk {
 public:
  // `begins`: when each rank began, or nothing.
  Walk(const CriticalPaths& paths, const std::map<int, Picoseconds>& begins, CriticalPath& path)
      : record_(paths.record_),
        topology_(paths.topology_),
        order_(paths.order_),
        begins_(begins),
        path_(path),
        at_(path.end) {}

  void from_fibre(std::uint32_t fibre) {
    fibre_ = fibre;
    std::size_t still = 0;
    while (at_ > path_.begin) {
      const Picoseconds before = at_;
      step();
      still = at_ < before ? 0 : still + 1;
      if (still > record_.fibres().size() + 1) {
        fail(tuttiInternalError, "at {} ps of the record fibres go on because of each other",
             at_.count());
      }
    }
    std::reverse(path_.pieces.begin(), path_.pieces.end());
  }
  void from_transfer(std::uint32_t transfer) {
    follow(transfer, false);
    from_fibre(fibre_);
  }

 private:
  void step() {
    const RecordedFibre& fibre = record_.fibres()[fibre_];
    const auto begun = begins_.find(fibre.who.rank);
    if (begun != begins_.end() && at_ <= begun->second) return back(Part::kStraggler, path_.begin);
    if (at_ <= fibre.begin) {
      if (fibre.by == kNoRecord) return back(Part::kOther, path_.begin);
      fibre_ = fibre.by;
      return;
    }
    const auto after = std::lower_bound(
        fibre.spans.begin(), fibre.spans.end(), at_,
        [](const RecordedSpan& span, Picoseconds time) { return span.begin < time; });
    if (after == fibre.spans.begin()) return back(Part::kOther, fibre.begin);
    const RecordedSpan& span = *std::prev(after);
    if (span.end < at_) return back(Part::kOther, span.end);
    if (span.what != Activity::kWait) return back(static_cast<Part>(span.what), span.begin);
    switch (span.end == at_ ? span.cause : RecordedSpan::Cause::kUnknown) {
      case RecordedSpan::Cause::kFibre:
        fibre_ = span.by;
        return;
      case RecordedSpan::Cause::kDelivery:
        return follow(span.by, false);
      case RecordedSpan::Cause::kLeft:
        return follow(span.by, true);
      case RecordedSpan::Cause::kUnknown:
        break;
    }
    back(Part::kWait, span.begin);
  }

  // Of a rank's own time before its operation began, whoever waits for it knows only that.
  void back(Part part, Picoseconds to) {
    Picoseconds until = to;
    const RecordedFibre& fibre = record_.fibres()[fibre_];
    const auto begun = begins_.find(fibre.who.rank);
    if (begun != begins_.end() && at_ > begun->second) until = std::max(until, begun->second);
    add({.part = part, .who = fibre.who, .begin = until, .end = at_});
  }

  void follow(std::uint32_t number, bool until_left) {
    if (!until_left && record_.transfers()[number].behind != kNoRecord) {
      number = record_.transfers()[number].behind;
    }
    const RecordedTransfer& transfer = record_.transfers()[number];
    const Entity& who = record_.fibres()[transfer.fibre].who;
    const Picoseconds end = until_left ? transfer.left : transfer.arrived;
    add({.part = Part::kWait, .who = who, .begin = end, .end = at_});
    go_back(number, pieces_of(transfer, topology_, who, until_left));
  }

  // Where it waited for a port, on through the one with which the port became busy.
  void go_back(std::uint32_t number, const std::vector<PathPiece>& pieces) {
    const RecordedTransfer& transfer = record_.transfers()[number];
    fibre_ = transfer.fibre;
    for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
      const bool port = piece->part == Part::kQueue && transfer.egress != RecordedTransfer::kNot;
      if (port && piece->end == transfer.ingress && jump(number, PortEnd::kIngress)) return;
      if (port && piece->end == transfer.egress && jump(number, PortEnd::kEgress)) return;
      add(*piece);
    }
  }

  bool jump(std::uint32_t number, PortEnd end) {
    const std::uint32_t first = order_.first_of_queue(number, end);
    if (first == number) return false;
    const RecordedTransfer& transfer = record_.transfers()[first];
    const Entity& who = record_.fibres()[transfer.fibre].who;
    add({.part = Part::kQueue,
         .who = who,
         .peer = transfer.reads() ? transfer.from : transfer.to,
         .begin = end == PortEnd::kEgress ? transfer.egress : transfer.ingress,
         .end = at_});
    go_back(first, pieces_until(transfer, topology_, who, end));
    return true;
  }

  void add(PathPiece piece) {
    piece.end = std::min(piece.end, at_);
    piece.begin = std::max(piece.begin, path_.begin);
    if (piece.end <= piece.begin) return;
    path_.parts[static_cast<std::size_t>(piece.part)] += piece.end - piece.begin;
    at_ = piece.begin;
    path_.pieces.push_back(piece);
  }

  const RunRecord& record_;
  const Topology& topology_;
  const PortOrder& order_;
  const std::map<int, Picoseconds>& begins_;
  CriticalPath& path_;
  Picoseconds at_;
  std::uint32_t fibre_ = kNoRecord;
};

std::string_view name_of(Part part) noexcept {
  constexpr std::array<std::string_view, kParts> kNames = {
      "entry", "sync",    "load", "quantise", "counts", "looks",     "copy", "reduce",    "flag",
      "poll",  "compute", "wait", "issue",    "queue",  "serialise", "hop",  "straggler", "other"};
  return kNames[static_cast<std::size_t>(part)];
}

CriticalPath CriticalPaths::of_run(Picoseconds end) const {
  CriticalPath path{.name = "run", .end = end};
  const auto& fibres = record_.fibres();
  if (fibres.empty() || end == Picoseconds::zero()) return path;
  const std::map<int, Picoseconds> begins;
  const auto last = std::max_element(
      fibres.begin(), fibres.end(),
      [](const RecordedFibre& a, const RecordedFibre& b) { return end_of(a) < end_of(b); });
  if (end_of(*last) < end) {  // bytes that nobody waited for came after that
    for (std::uint32_t i = 0; i < record_.transfers().size(); ++i) {
      if (record_.transfers()[i].arrived != end) continue;
      path.last_rank = record_.transfers()[i].to;
      Walk(*this, begins, path).from_transfer(i);
      return path;
    }
  }
  path.last_rank = last->who.rank;
  Walk(*this, begins, path).from_fibre(static_cast<std::uint32_t>(last - fibres.begin()));
  return path;
}

CriticalPath CriticalPaths::of(const RecordedOperation& operation) const {
  CriticalPath path{.name = operation.name,
                    .begin = operation.begin,
                    .end = operation.end,
                    .last_rank = record_.fibres()[operation.last].who.rank};
  Walk(*this, operation.begins, path).from_fibre(operation.last);
  return path;
}

std::vector<CriticalPath> CriticalPaths::of_marks() const {
  std::vector<CriticalPath> paths;
  for (const RecordedOperation& operation : operations_of_marks(record_)) {
    paths.push_back(of(operation));
  }
  return paths;
}

}  // namespace tutti::ub
