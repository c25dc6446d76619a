// The page of a report, without a run's data: transports/ub/report/report.html.
#pragma once

#include <string_view>

namespace tutti::ub {

// Where the data belongs, as one JSON value, once.
inline constexpr std::string_view kReportDataMark = "@TUTTI_REPORT_DATA@";

std::string_view report_page();

}  // namespace tutti::ub
