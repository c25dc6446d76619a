#include "perf/tutti_perf/fabric_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tutti::perf {

std::string fabric_columns(const Row& row) {
  const std::string wrong = row.wrong ? std::to_string(*row.wrong) : "N/A";
  return fmt::format(" {:>9.2f} {:>9.2f} {:>9.2f} {:>7.2f} {:>7.2f} {:>6}", row.time_us.rank_mean,
                     row.time_us.p50, row.bound_us.value_or(0), row.algbw, row.busbw, wrong);
}

std::string fabric_head(const Report& report) {
  const SimulationFacts& facts = *report.simulation;
  return fmt::format(
      "# tutti {} ({}), ranks: {} (fibres), fabric {}{}{}, level {}{}\n"
      "# times are virtual: mean over ranks, and of the slowest rank, whose are the bandwidths\n"
      "# bound: how long the busiest port takes for the bytes of an iteration\n{}",
      report.tutti.value_or("?"), report.commit.value_or("unknown commit"), report.ranks,
      *report.fabric, facts.per.empty() ? "" : " per ", facts.per, facts.level,
      facts.settings.empty() ? "" : fmt::format(", with {}", fmt::join(facts.settings, " ")),
      facts.timing_only ? "# timing only: payload is neither moved nor verified\n" : "");
}

std::string fabric_phase_heading() {
  return fmt::format("# {:>11} {:>12} {:>10} {:>9}{}  algorithm\n# {:>11} {:>12} {:>10} {:>9}{}\n",
                     "size", "count", "type", "phase", kFabricHeading, "(B)", "(elements)", "", "",
                     kFabricUnits);
}

std::string fabric_phase_line(const Row& row) {
  return fmt::format("  {:>11} {:>12} {:>10} {:>9}{}  {}\n", row.bytes, row.count, row.type,
                     row.phase.value_or("-"), fabric_columns(row), row.algorithm);
}

std::string pair_heading() {
  return fmt::format(
      "#\n# {:>6} {:>15} {:>12} {:>12} {:>12} {:>9} {:>6}\n"
      "# {:>6} {:>15} {:>12} {:>12} {:>12} {:>9}\n",
      "op", "hop", "size", "time", "bound", "bandwidth", "#wrong", "", "", "(B)", "(us)", "(us)",
      "(GB/s)");
}

std::string pair_line(const Row& row) {
  return fmt::format("  {:>6} {:>15} {:>12} {:>12.3f} {:>12.3f} {:>9.2f} {:>6}\n",
                     row.op.value_or("-"), row.phase.value_or("-"), row.bytes, row.time_us.p50,
                     row.bound_us.value_or(0), row.algbw,
                     row.wrong ? std::to_string(*row.wrong) : "N/A");
}

std::string fabric_foot(const SimulationFacts& facts) {
  const std::string payload = facts.timing_only ? "none, payload did not move"
                                                : fmt::format("{:016x}", facts.payload_digest);
  return fmt::format(
      "# Virtual time         : {:.3f} us in all\n"
      "# Arrivals digest      : {:016x}\n"
      "# Payload digest       : {}\n"
      "# Moved                : {} bytes in {} transfers\n"
      "# Events               : {}, {:.3g} a wall second\n"
      "# Wall time            : {:.3f} s\n"
      "# Peak memory          : {:.3f} GiB\n",
      facts.end_us, facts.arrivals_digest, payload, facts.bytes, facts.transfers, facts.events,
      facts.events_per_second(), facts.wall_s,
      static_cast<double>(facts.peak_resident_bytes) / (1 << 30));
}

}  // namespace tutti::perf
