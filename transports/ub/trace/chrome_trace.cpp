#include "transports/ub/trace/chrome_trace.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace tutti::ub {

namespace {

// Microseconds, to the picosecond.
std::string us(Picoseconds time) {
  return fmt::format("{}.{:06}", time.count() / 1'000'000, time.count() % 1'000'000);
}

std::string_view verb_of(Parcel::Kind kind) {
  switch (kind) {
    case Parcel::Kind::kPost:
      return "post";
    case Parcel::Kind::kRead:
      return "read";
    default:
      return "put";
  }
}

class ChromeTrace {
 public:
  ChromeTrace(OutputFile& file, const RunRecord& record, const Topology& topology)
      : file_(file), record_(record), topology_(topology) {}

  void write(const SimulationReport& report) {
    const CriticalPaths paths(record_, topology_);
    const CriticalPath run = paths.of_run(report.end);
    file_.print("{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
    name_tracks();
    for (const RecordedFibre& fibre : record_.fibres()) {
      for (const RecordedSpan& span : fibre.spans) write_span(fibre.who, span);
    }
    for (const RecordedMark& mark : record_.marks()) write_mark(mark, report.end);
    for (const RecordedCall& call : record_.calls()) write_call(call, report.end);
    for (std::size_t i = 0; i < record_.transfers().size(); ++i) {
      write_transfer(i, record_.transfers()[i]);
    }
    for (const PathPiece& piece : run.pieces) write_piece(piece);
    file_.print("\n],\n\"tutti\":{{\"format\":1,\"fabric\":{},\"ranks\":{},\"end_ps\":{},",
                quoted(topology_.profile().name), topology_.ranks(), report.end.count());
    file_.print("\"transfers\":{},\"paths\":[\n", record_.transfers().size());
    write_path(run, true);
    for (const CriticalPath& path : paths.of_marks()) write_path(path, false);
    file_.print("\n]}}}}\n");
    file_.close();
  }

 private:
  static std::string quoted(std::string_view text) { return nlohmann::json(text).dump(); }

  template <typename... Args>
  void event(fmt::format_string<Args...> format, Args&&... args) {
    file_.print("{}", std::exchange(first_, false) ? "" : ",\n");
    file_.print(format, std::forward<Args>(args)...);
  }

  // The path's own process comes behind those of the ranks.
  int path_process() const { return topology_.ranks(); }

  void name_tracks() {
    const auto name = [&](int process, const std::string& text) {
      event("{{\"ph\":\"M\",\"pid\":{0},\"name\":\"process_name\",\"args\":{{\"name\":\"{1}\"}}}}",
            process, text);
      event(
          "{{\"ph\":\"M\",\"pid\":{0},\"name\":\"process_sort_index\",\"args\":"
          "{{\"sort_index\":{0}}}}}",
          process);
    };
    for (int rank = 0; rank < topology_.ranks(); ++rank) name(rank, fmt::format("rank {}", rank));
    name(path_process(), "critical path");
    for (const RecordedFibre& fibre : record_.fibres()) {
      const std::string text =
          fibre.who.stream == 0 ? "calls" : fmt::format("stream {}", fibre.who.stream);
      event(
          "{{\"ph\":\"M\",\"pid\":{},\"tid\":{},\"name\":\"thread_name\",\"args\":"
          "{{\"name\":\"{}\"}}}}",
          fibre.who.rank, fibre.who.stream, text);
    }
  }

  void write_span(const Entity& who, const RecordedSpan& span) {
    const bool waits = span.what == Activity::kWait;
    std::string why;
    switch (span.cause) {
      case RecordedSpan::Cause::kUnknown:
        break;
      case RecordedSpan::Cause::kFibre: {
        const Entity& by = record_.fibres()[span.by].who;
        why = fmt::format(",\"args\":{{\"rank\":{},\"stream\":{}}}", by.rank, by.stream);
        break;
      }
      default: {
        const RecordedTransfer& by = record_.transfers()[span.by];
        why = fmt::format(",\"args\":{{\"transfer\":{},\"rank\":{}}}", span.by, by.from);
        break;
      }
    }
    event(
        "{{\"ph\":\"X\",\"pid\":{},\"tid\":{},\"ts\":{},\"dur\":{},\"cat\":\"{}\",\"name\":\"{}\""
        "{}}}",
        who.rank, who.stream, us(span.begin), us(span.end - span.begin), waits ? "wait" : "work",
        name_of(static_cast<Part>(span.what)), why);
    // Inside the wait, so that the arrow ends there.
    if (span.cause == RecordedSpan::Cause::kDelivery) {
      event(
          "{{\"ph\":\"f\",\"bp\":\"e\",\"id\":{},\"pid\":{},\"tid\":{},\"ts\":{},"
          "\"cat\":\"arrow\",\"name\":\"{}\"}}",
          span.by, who.rank, who.stream, us(span.end - Picoseconds(1)),
          verb_of(record_.transfers()[span.by].kind));
    }
  }

  void write_mark(const RecordedMark& mark, Picoseconds end) {
    const Entity& who = record_.fibres()[mark.fibre].who;
    const Picoseconds until = mark.end == RecordedTransfer::kNot ? end : mark.end;
    event(
        "{{\"ph\":\"X\",\"pid\":{},\"tid\":{},\"ts\":{},\"dur\":{},\"cat\":\"operation\","
        "\"name\":{}}}",
        who.rank, who.stream, us(mark.begin), us(until - mark.begin), quoted(mark.name));
  }

  void write_call(const RecordedCall& call, Picoseconds end) {
    const Entity& who = record_.fibres()[call.fibre].who;
    const Picoseconds until = call.end == RecordedTransfer::kNot ? end : call.end;
    std::string facts = fmt::format("\"bytes\":{}", call.bytes);
    if (!call.communicator.empty()) {
      facts += fmt::format(",\"communicator\":{}", quoted(call.communicator));
    }
    if (call.sequence != CallFacts::kNoSequence) {
      facts += fmt::format(",\"number\":{}", call.sequence);
    }
    if (!call.algorithm.empty()) facts += fmt::format(",\"algorithm\":\"{}\"", call.algorithm);
    event(
        "{{\"ph\":\"X\",\"pid\":{},\"tid\":{},\"ts\":{},\"dur\":{},\"cat\":\"call\",\"name\":"
        "\"{}\",\"args\":{{{}}}}}",
        who.rank, who.stream, us(call.begin), us(until - call.begin), call.kind, facts);
  }

  // What its fibre did, in no time, and where the arrow begins; then its way, beside the tracks.
  void write_transfer(std::size_t number, const RecordedTransfer& transfer) {
    const Entity& who = record_.fibres()[transfer.fibre].who;
    const std::string_view verb = verb_of(transfer.kind);
    const int peer = transfer.reads() ? transfer.from : transfer.to;
    std::string times;
    const auto add = [&](const char* name, Picoseconds time) {
      if (time != RecordedTransfer::kNot) {
        times += fmt::format(",\"{}_ps\":{}", name, time.count());
      }
    };
    add("started", transfer.started);
    add("first_issue", transfer.first_issue);
    add("last_issue", transfer.last_issue);
    add("egress", transfer.egress);
    add("left", transfer.left);
    add("ingress", transfer.ingress);
    add("arrived", transfer.arrived);
    const Picoseconds out =
        transfer.arrived == RecordedTransfer::kNot ? transfer.started : record_.out(transfer);
    add("out", out);
    event(
        "{{\"ph\":\"X\",\"pid\":{},\"tid\":{},\"ts\":{},\"dur\":0,\"cat\":\"start\",\"name\":"
        "\"{} {}\",\"args\":{{\"transfer\":{},\"from\":{},\"to\":{},\"bytes\":{},\"rows\":{}{}}}}}",
        who.rank, who.stream, us(transfer.started), verb, peer, number, transfer.from, transfer.to,
        transfer.bytes, transfer.rows, times);
    event(
        "{{\"ph\":\"s\",\"id\":{},\"pid\":{},\"tid\":{},\"ts\":{},\"cat\":\"arrow\",\"name\":"
        "\"{}\"}}",
        number, who.rank, who.stream, us(transfer.started), verb);
  }

  void write_piece(const PathPiece& piece) {
    const std::string peer = piece.peer < 0 ? "" : fmt::format(",\"peer\":{}", piece.peer);
    event(
        "{{\"ph\":\"X\",\"pid\":{},\"tid\":0,\"ts\":{},\"dur\":{},\"cat\":\"path\",\"name\":\"{}\","
        "\"args\":{{\"rank\":{},\"stream\":{}{}}}}}",
        path_process(), us(piece.begin), us(piece.end - piece.begin), name_of(piece.part),
        piece.who.rank, piece.who.stream, peer);
  }

  void write_path(const CriticalPath& path, bool first) {
    file_.print("{}{{\"name\":{},\"begin_ps\":{},\"end_ps\":{},\"last_rank\":{},\"parts_ps\":{{",
                first ? "" : ",\n", quoted(path.name), path.begin.count(), path.end.count(),
                path.last_rank);
    for (std::size_t part = 0; part < kParts; ++part) {
      file_.print("{}\"{}\":{}", part == 0 ? "" : ",", name_of(static_cast<Part>(part)),
                  path.parts[part].count());
    }
    file_.print("}}}}");
  }

  OutputFile& file_;
  const RunRecord& record_;
  const Topology& topology_;
  bool first_ = true;
};

}  // namespace

void write_chrome_trace(OutputFile& file, const RunRecord& record, const Topology& topology,
                        const SimulationReport& report) {
  ChromeTrace(file, record, topology).write(report);
}

}  // namespace tutti::ub
