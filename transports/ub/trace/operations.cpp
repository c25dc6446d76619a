#include "transports/ub/trace/operations.hpp"

#include <algorithm>
#include <tuple>

namespace tutti::ub {

namespace {

void add_part(const RunRecord& record, std::uint32_t fibre, Picoseconds begin, Picoseconds end,
              RecordedOperation& operation) {
  const bool first = operation.last == kNoRecord;
  operation.begin = first ? begin : std::min(operation.begin, begin);
  const auto [begun, added] = operation.begins.try_emplace(record.fibres()[fibre].who.rank, begin);
  if (!added) begun->second = std::min(begun->second, begin);
  if (!first && end <= operation.end) return;
  operation.end = end;
  operation.last = fibre;
}

template <typename Key>
std::vector<RecordedOperation> in_order(std::map<Key, RecordedOperation>&& by_key) {
  std::vector<RecordedOperation> operations;
  for (auto& [key, operation] : by_key) operations.push_back(std::move(operation));
  std::stable_sort(
      operations.begin(), operations.end(),
      [](const RecordedOperation& a, const RecordedOperation& b) { return a.begin < b.begin; });
  return operations;
}

}  // namespace

std::vector<RecordedOperation> operations_of_marks(const RunRecord& record) {
  std::map<std::pair<std::string, std::uint32_t>, std::size_t> counts;          // (name, fibre)
  std::map<std::pair<std::string, std::size_t>, RecordedOperation> operations;  // (name, number)
  for (const RecordedMark& mark : record.marks()) {
    const std::size_t number = counts[{mark.name, mark.fibre}]++;
    if (mark.end == RecordedTransfer::kNot) continue;
    RecordedOperation& operation = operations[{mark.name, number}];
    operation.name = mark.name;
    add_part(record, mark.fibre, mark.begin, mark.end, operation);
  }
  return in_order(std::move(operations));
}

std::vector<RecordedOperation> operations_of_calls(const RunRecord& record) {
  using Call = std::tuple<std::string, std::string, std::uint64_t>;  // communicator, kind, number
  std::map<std::pair<Call, int>, std::size_t> counts;                // of a rank: names come again
  std::map<std::pair<Call, std::size_t>, RecordedOperation> operations;
  for (const RecordedCall& call : record.calls()) {
    if (call.communicator.empty() || call.sequence == CallFacts::kNoSequence ||
        call.end == RecordedTransfer::kNot) {
      continue;
    }
    const Call which{call.communicator, call.kind, call.sequence};
    const std::size_t number = counts[{which, record.fibres()[call.fibre].who.rank}]++;
    RecordedOperation& operation = operations[{which, number}];
    operation.name = call.kind;
    operation.algorithm = call.algorithm;
    operation.bytes = std::max(operation.bytes, call.bytes);
    add_part(record, call.fibre, call.begin, call.end, operation);
  }
  return in_order(std::move(operations));
}

}  // namespace tutti::ub
