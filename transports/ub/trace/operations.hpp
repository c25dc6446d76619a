// Which parts of a run belong together: what all ranks did at one mark of the program's, or for one
// call of the library.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "transports/ub/bus/run_record.hpp"

namespace tutti::ub {

// From the first rank's begin to the last one's end.
struct RecordedOperation {
  std::string name;                   // of the mark, or the kind of the call
  std::string algorithm;              // of a call, if it chose one
  std::uint64_t bytes = 0;            // of a call: the largest of any rank
  std::map<int, Picoseconds> begins;  // by rank
  Picoseconds begin{};
  Picoseconds end{};
  std::uint32_t last = kNoRecord;  // the fibre that ended last
};

// The n-th marks of one name on all ranks are one operation. Marks without an end are left out. In
// order of time.
std::vector<RecordedOperation> operations_of_marks(const RunRecord& record);

// Calls of one kind and number on communicators of one name are one operation. Calls of no
// communicator, without a number or without an end are left out. In order of time.
std::vector<RecordedOperation> operations_of_calls(const RunRecord& record);

}  // namespace tutti::ub
