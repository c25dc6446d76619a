// The operations of a run as its report lists them.
#pragma once

#include <string>
#include <vector>

#include "transports/ub/trace/operations.hpp"

namespace tutti::ub {

// What of a run is worth a look: every operation by name, and of these a few in detail.
struct ReportOperation {
  std::string title;                   // "AllReduce, 1 MiB, two_shot"
  bool marked = false;                 // by the program, and no call
  bool set_up = false;                 // makes or ends something
  std::vector<RecordedOperation> all;  // in order of time; the last one is shown
  Picoseconds time() const;            // of all of them
};

// Marks first, then calls, set-up last; of each the ones that took most of the time first.
std::vector<ReportOperation> report_operations(const RunRecord& record);

// "AllReduce, 1 MiB, two_shot"; of a mark its name.
std::string title_of(const RecordedOperation& operation, bool marked);

}  // namespace tutti::ub
