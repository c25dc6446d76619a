#include "transports/ub/model/cost_parser.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tutti::ub {

namespace {

// {"value": .., "source": ..}
template <typename Read>
auto sourced(FieldReader& software, std::string_view name, Read read) {
  FieldReader reader = software.object(name);
  const auto value = read(reader);
  reader.text("source");
  reader.done();
  return value;
}

// Points of one shape but for the first dimension lie side by side, ascending.
bool before(const KernelTable::Point& a, const KernelTable::Point& b) {
  const auto rest = [](const KernelTable::Point& point) {
    return std::span(point.shape).subspan(1);
  };
  if (!std::ranges::equal(rest(a), rest(b))) {
    return std::ranges::lexicographical_compare(rest(a), rest(b));
  }
  return a.shape[0] < b.shape[0];
}

KernelTable::Point parse_point(FieldReader& reader, const KernelTable& table) {
  KernelTable::Point point;
  FieldReader shape = reader.object("shape");
  for (const std::string& dimension : table.dimensions) {
    point.shape.push_back(shape.whole(dimension, 1, KernelTable::kLargest));
  }
  shape.done();
  point.time = nanoseconds(reader.at_least_zero("ns"));
  reader.done();
  return point;
}

KernelTable parse_kernel(FieldReader& reader) {
  KernelTable table;
  table.kernel = reader.text("kernel");
  reader.text("source");
  table.dimensions = reader.texts("dimensions");
  for (auto name = table.dimensions.begin(); name != table.dimensions.end(); ++name) {
    if (std::find(table.dimensions.begin(), name, *name) == name) continue;
    reader.complain("dimensions", fmt::format("a second dimension '{}'", *name));
  }
  for (FieldReader& field : reader.objects("points")) {
    KernelTable::Point point = parse_point(field, table);
    const auto place = std::ranges::lower_bound(table.points, point, before);
    if (place != table.points.end() && place->shape == point.shape) {
      field.complain("shape", "a second point of this shape");
    }
    table.points.insert(place, std::move(point));
  }
  if (table.points.empty()) reader.complain("points", "expected at least one, found none");
  reader.done();
  return table;
}

}  // namespace

Software parse_software(FieldReader& reader) {
  const auto time = [&](std::string_view name) {
    return sourced(reader, name, [](FieldReader& field) { return field.at_least_zero("value"); });
  };
  const auto bandwidth = [&](std::string_view name) {
    return sourced(reader, name, [](FieldReader& field) { return field.above_zero("value"); });
  };
  const auto whole = [&](std::string_view name, std::int64_t lowest, std::int64_t highest) {
    return static_cast<int>(sourced(
        reader, name, [&](FieldReader& field) { return field.whole("value", lowest, highest); }));
  };
  const Software software{.cores = whole("cores", 1, 1 << 16),
                          .operator_entry_ns = time("operator_entry_ns"),
                          .core_sync_ns = time("core_sync_ns"),
                          .row_issue_ns = time("row_issue_ns"),
                          .flag_ns = time("flag_ns"),
                          .count_ns = time("count_ns"),
                          .poll_ns = time("poll_ns"),
                          .token_load_GBps = bandwidth("token_load_GBps"),
                          .quantise_GBps = bandwidth("quantise_GBps"),
                          .local_copy_GBps = bandwidth("local_copy_GBps"),
                          .reduce_GBps = bandwidth("reduce_GBps"),
                          .jitter_percent = whole("jitter_percent", 0, 100)};
  reader.done();
  return software;
}

std::vector<KernelTable> parse_kernels(FieldReader& profile) {
  std::vector<KernelTable> tables;
  for (FieldReader& reader : profile.optional_objects("kernels")) {
    KernelTable table = parse_kernel(reader);
    const auto same = [&](const KernelTable& other) { return other.kernel == table.kernel; };
    if (std::ranges::any_of(tables, same)) {
      reader.complain("kernel", fmt::format("a second kernel '{}'", table.kernel));
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace tutti::ub
