#include "perf/common/report.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tutti::perf {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json moe_json(const MoeRow& moe) {
  return {{"tokens", moe.tokens},
          {"hidden", moe.hidden},
          {"topk", moe.topk},
          {"experts", moe.experts},
          {"layout", moe.layout},
          {"rows_per", moe.rows_per},
          {"dispatch_type", moe.dispatch_type},
          {"combine_type", moe.combine_type},
          {"routing", moe.routing},
          {"seed", moe.seed},
          {"rows_sent", moe.rows_sent},
          {"logical_bytes", moe.logical_bytes},
          {"wire_bytes", moe.wire_bytes}};
}

Json row_json(const Row& row) {
  const Statistics& t = row.time_us;
  Json json = {{"bytes", row.bytes},
               {"per_peer_bytes", row.per_peer_bytes},
               {"count", row.count},
               {"type", row.type},
               {"redop", or_null(row.redop)},
               {"buffers", row.buffers},
               {"placement", row.placement},
               {"mode", row.mode},
               {"phase", or_null(row.phase)},
               {"moe", row.moe ? moe_json(*row.moe) : Json(nullptr)},
               {"algorithm", row.algorithm.empty() ? Json(nullptr) : Json(row.algorithm)},
               {"iters", row.iters},
               {"batch", row.batch},
               {"oversubscribed", row.oversubscribed},
               {"bound_us", or_null(row.bound_us)},
               {"time_us",
                {{"min", t.min},
                 {"p50", t.p50},
                 {"avg", t.avg},
                 {"p99", t.p99},
                 {"max", t.max},
                 {"rank_mean", t.rank_mean}}},
               {"algbw_GBps", row.algbw},
               {"busbw_GBps", row.busbw},
               {"wrong", or_null(row.wrong)}};
  if (row.op) json["op"] = *row.op;
  return json;
}

Json error_json(const std::optional<RunError>& error) {
  if (!error) return nullptr;
  return {{"code", error->code}, {"message", error->message}, {"culprits", error->culprits}};
}

std::string hexadecimal(std::uint64_t digest) {
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(digest));
  return text.data();
}

Json simulation_json(const SimulationFacts& facts) {
  return {{"per", facts.per.empty() ? Json(nullptr) : Json(facts.per)},
          {"level", facts.level},
          {"timing_only", facts.timing_only},
          {"settings", facts.settings},
          {"arrivals_digest", hexadecimal(facts.arrivals_digest)},
          {"payload_digest", facts.timing_only ? Json() : Json(hexadecimal(facts.payload_digest))},
          {"end_us", facts.end_us},
          {"bound_us", facts.bound_us},
          {"transfers", facts.transfers},
          {"bytes", facts.bytes},
          {"events", facts.events},
          {"events_per_second", facts.events_per_second()},
          {"wall_s", facts.wall_s},
          {"peak_resident_bytes", facts.peak_resident_bytes}};
}

}  // namespace

std::string to_json(const Row& row) { return row_json(row).dump(); }

std::string to_json(const Report& report) {
  const Machine& m = report.machine;
  Json json = {{"schema", 1}, {"tutti", or_null(report.tutti)}};
  if (report.peer) {
    json["peer"] = *report.peer;
    json["peer_version"] = or_null(report.peer_version);
  }
  json["commit"] = or_null(report.commit);
  json["op"] = report.op;
  json["ranks"] = report.ranks;
  json["rank_kind"] = report.rank_kind;
  json["transport"] = report.transport;
  json["fabric"] = or_null(report.fabric);
  json["clock"] = report.clock;
  if (report.simulation) {
    const SimulationFacts& facts = *report.simulation;
    json["digest"] = facts.events > 0 ? Json(hexadecimal(facts.arrivals_digest)) : Json(nullptr);
    json["simulation"] = simulation_json(*report.simulation);
  } else {
    json["digest"] = nullptr;
  }
  json["machine"] = {{"cpu", m.cpu},
                     {"cores", m.cores},
                     {"kernel", m.kernel},
                     {"compiler", m.compiler},
                     {"flags", m.flags}};
  json["startup_ms"] = report.startup_ms;
  json["peak_bytes"] = report.peak_bytes;
  json["error"] = error_json(report.error);
  json["rows"] = Json::array();
  for (const Row& row : report.rows) json["rows"].push_back(row_json(row));
  for (const Json& row : Json::parse("[" + report.rows_json + "]")) json["rows"].push_back(row);
  // A message may carry bytes that are not UTF-8; the report is written all the same.
  return json.dump(1, ' ', false, Json::error_handler_t::replace);
}

void write_json(const Report& report, const std::string& path) {
  const std::string text = to_json(report) + "\n";
  if (path == "-") {
    std::cout << text << std::flush;
    return;
  }
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) throw std::runtime_error("cannot write the JSON report to '" + path + "'");
}

std::string table_heading() {
  std::array<char, 256> line{};
  std::snprintf(line.data(), line.size(), "#%11s %11s %8s %6s %9s %10s %10s %10s %8s %8s %6s  %s\n",
                "size", "count", "type", "redop", "phase", "min", "p50", "p99", "algbw", "busbw",
                "wrong", "algorithm");
  std::string text = line.data();
  std::snprintf(line.data(), line.size(), "#%11s %11s %8s %6s %9s %10s %10s %10s %8s %8s\n", "(B)",
                "(elements)", "", "", "", "(us)", "(us)", "(us)", "(GB/s)", "(GB/s)");
  return text + line.data();
}

std::string table_line(const Row& row) {
  std::array<char, 256> line{};
  const std::string wrong = row.wrong ? std::to_string(*row.wrong) : "N/A";
  std::snprintf(line.data(), line.size(),
                " %11zu %11zu %8s %6s %9s %10.3f %10.3f %10.3f %8.2f %8.2f %6s  ", row.bytes,
                row.count, row.type.c_str(), row.redop.value_or("none").c_str(),
                row.phase.value_or("-").c_str(), row.time_us.min, row.time_us.p50, row.time_us.p99,
                row.algbw, row.busbw, wrong.c_str());
  return line.data() + row.algorithm + (row.oversubscribed ? " (oversubscribed)" : "") + "\n";
}

}  // namespace tutti::perf
