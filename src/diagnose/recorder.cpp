#include "diagnose/recorder.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tutti {
namespace {

struct Recorded {
  std::uint64_t sequence;
  OperationFacts facts;
  OperationState state;
  std::uint64_t issued;
  std::uint64_t ended;
};

std::string in_words(Nanoseconds time) {
  const double ns = static_cast<double>(time.count());
  if (ns < 1e3) return fmt::format("{} ns", time.count());
  if (ns < 1e6) return fmt::format("{:.1f} us", ns / 1e3);
  if (ns < 1e9) return fmt::format("{:.1f} ms", ns / 1e6);
  return fmt::format("{:.1f} s", ns / 1e9);
}

std::string line_of(const Recorded& recorded, const TickScale& scale, std::uint64_t now) {
  const std::string what = fmt::format("#{} {}", recorded.sequence, operation_text(recorded.facts));
  const std::string age = in_words(scale.time_between(recorded.issued, now));
  if (recorded.state == OperationState::kIssued)
    return fmt::format("{}: not finished, issued {} ago", what, age);
  if (recorded.ended == OperationRecorder::kUntimed)
    return fmt::format("{}: {}, issued {} ago", what,
                       recorded.state == OperationState::kDone ? "done" : "failed", age);
  return fmt::format("{}: {} {}, issued {} ago", what,
                     recorded.state == OperationState::kDone ? "done in" : "failed after",
                     in_words(scale.time_between(recorded.issued, recorded.ended)), age);
}

}  // namespace

std::vector<std::string> OperationRecorder::dump(std::uint64_t now) const {
  std::vector<Recorded> found;
  found.reserve(kEntries);
  for (const Entry& entry : entries_) {
    const std::uint64_t stamp = entry.stamp.load(std::memory_order_acquire);  // pairs with issue
    if (stamp == 0) continue;
    Recorded recorded{};
    recorded.sequence = stamp - 1;
    recorded.state = entry.state.load(std::memory_order_acquire);  // pairs with finish
    recorded.facts = {
        .kind = entry.kind.load(std::memory_order_acquire),
        .count = entry.count.load(std::memory_order_acquire),
        .type = static_cast<tuttiDataType_t>(entry.type.load(std::memory_order_acquire)),
        .op = static_cast<tuttiRedOp_t>(entry.op.load(std::memory_order_acquire)),
        .root = entry.root.load(std::memory_order_acquire),
        .peer = entry.peer.load(std::memory_order_acquire)};
    recorded.issued = entry.issued.load(std::memory_order_acquire);
    recorded.ended = entry.ended.load(std::memory_order_acquire);
    if (entry.stamp.load(std::memory_order_relaxed) == stamp) found.push_back(recorded);
  }
  std::sort(found.begin(), found.end(),
            [](const Recorded& a, const Recorded& b) { return a.sequence < b.sequence; });
  std::vector<std::string> lines;
  lines.reserve(found.size());
  for (const Recorded& recorded : found) lines.push_back(line_of(recorded, scale_, now));
  return lines;
}

}  // namespace tutti
