#include "transports/ub/report/report_operations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace tutti::ub {

namespace {

constexpr std::array<std::string_view, 6> kSetUp = {"CommInitRank",   "CommSplit",
                                                    "CommShrink",     "CommFinalize",
                                                    "MoeGroupCreate", "CommWindowRegister"};

std::string in_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 4> kUnits = {"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  std::uint64_t scale = 1;
  while (unit + 1 < kUnits.size() && bytes >= scale * 1024) {
    scale *= 1024;
    ++unit;
  }
  if (bytes % scale == 0) return fmt::format("{} {}", bytes / scale, kUnits[unit]);
  return fmt::format("{:.1f} {}", static_cast<double>(bytes) / static_cast<double>(scale),
                     kUnits[unit]);
}

// What a mark has in it says more than its name: the calls of the rank that ended last.
std::string title_of_mark(const RunRecord& record, const RecordedOperation& mark) {
  const int rank = record.fibres()[mark.last].who.rank;
  std::vector<std::string> kinds;
  for (const RecordedCall& call : record.calls()) {
    if (call.begin < mark.begins.at(rank) || call.begin >= mark.end) continue;
    if (record.fibres()[call.fibre].who.rank != rank) continue;
    if (std::find(kinds.begin(), kinds.end(), call.kind) == kinds.end()) kinds.push_back(call.kind);
  }
  std::string title = mark.name;
  for (std::size_t i = 0; i < std::min<std::size_t>(kinds.size(), 4); ++i) {
    title += (i == 0 ? ": " : ", ") + kinds[i];
  }
  return title;
}

}  // namespace

std::string title_of(const RecordedOperation& operation, bool marked) {
  std::string title = operation.name;
  if (!marked && operation.bytes > 0) title += ", " + in_bytes(operation.bytes);
  if (!operation.algorithm.empty()) title += ", " + operation.algorithm;
  return title;
}

Picoseconds ReportOperation::time() const {
  Picoseconds sum{};
  for (const RecordedOperation& each : all) sum += each.end - each.begin;
  return sum;
}

std::vector<ReportOperation> report_operations(const RunRecord& record) {
  std::map<std::pair<bool, std::string>, ReportOperation> by_title;
  const auto add = [&](std::vector<RecordedOperation>&& operations, bool marked) {
    for (RecordedOperation& operation : operations) {
      if (operation.end == operation.begin) continue;
      ReportOperation& each = by_title[{marked, title_of(operation, marked)}];
      each.marked = marked;
      each.set_up = std::find(kSetUp.begin(), kSetUp.end(), operation.name) != kSetUp.end();
      each.all.push_back(std::move(operation));
    }
  };
  add(operations_of_marks(record), true);
  add(operations_of_calls(record), false);
  std::vector<ReportOperation> all;
  for (auto& [key, operation] : by_title) {
    operation.title = operation.marked ? title_of_mark(record, operation.all.back()) : key.second;
    all.push_back(std::move(operation));
  }
  std::stable_sort(all.begin(), all.end(), [](const ReportOperation& a, const ReportOperation& b) {
    if (a.set_up != b.set_up) return b.set_up;
    if (a.marked != b.marked) return a.marked;
    return a.time() > b.time();
  });
  return all;
}

}  // namespace tutti::ub
