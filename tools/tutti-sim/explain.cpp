#include "explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "communicator/communicator.hpp"
#include "perf/common/sizes.hpp"

namespace tutti::sim {

namespace {

using Candidates = std::vector<Selection::Candidate>;

// One thing that costs time, each with the word for its column.
enum class Cause : std::uint8_t { kLatency, kBytes, kRows, kFlags, kLooks, kSync, kWork };
constexpr std::array<const char*, 7> kCauses = {"latency", "bytes", "rows",  "flags",
                                                "looks",   "sync",  "copies"};

// The costs of a fabric where one of them is a little lower. A prediction is made of sums and
// maxima of costs, so it falls by that little of the part that is due to this one, and the parts of
// all sum to it.
class Cheaper final : public Costs {
 public:
  static constexpr double kLess = 1e-4;

  Cheaper(const Costs& costs, Cause cause) : costs_(costs), cause_(cause) {}

  Path path(Rank from, Rank to) const noexcept override {
    Path path = costs_.path(from, to);
    path.latency_ns *= factor(Cause::kLatency);
    path.read_latency_ns *= factor(Cause::kLatency);
    path.bytes_per_ns /= factor(Cause::kBytes);
    path.read_bytes_per_ns /= factor(Cause::kBytes);
    return path;
  }
  double work_ns(const LocalWork& work) const noexcept override {
    return costs_.work_ns(work) * factor(cause_of(work.kind));
  }
  double post_ns(const Path& path) const noexcept override {
    return costs_.post_ns(path) * factor(Cause::kFlags);
  }
  double issue_ns(std::size_t rows) const noexcept override {
    return costs_.issue_ns(rows) * factor(Cause::kRows);
  }

 private:
  static Cause cause_of(LocalWork::Kind kind) noexcept {
    switch (kind) {
      case LocalWork::Kind::kEntry:
      case LocalWork::Kind::kSync:
        return Cause::kSync;
      case LocalWork::Kind::kLooks:
      case LocalWork::Kind::kCounts:
        return Cause::kLooks;
      default:
        return Cause::kWork;
    }
  }

  double factor(Cause cause) const noexcept { return cause == cause_ ? 1 - kLess : 1; }

  const Costs& costs_;
  Cause cause_;
};

// What a rank of the fabric has to say.
struct Answer {
  AlgorithmChoice chosen;
  Candidates candidates;
  std::vector<Algorithm> excluded;
  std::array<Candidates, kCauses.size()> cheaper;
};

OperationKind kind_of(const std::string& op) {
  static const std::map<perf::Op, OperationKind> kKinds = {
      {perf::Op::kAllReduce, OperationKind::kAllReduce},
      {perf::Op::kBroadcast, OperationKind::kBroadcast},
      {perf::Op::kReduce, OperationKind::kReduce},
      {perf::Op::kAllGather, OperationKind::kAllGather},
      {perf::Op::kReduceScatter, OperationKind::kReduceScatter},
      {perf::Op::kAllToAll, OperationKind::kAlltoAll},
      {perf::Op::kGather, OperationKind::kGather},
      {perf::Op::kScatter, OperationKind::kScatter},
      {perf::Op::kBarrier, OperationKind::kBarrier}};
  const auto found = kKinds.find(perf::parse_op(op));
  if (found == kKinds.end()) {
    fail(tuttiInvalidArgument,
         "--op {}: there is nothing to choose: no model knows what each rank brings", op);
  }
  return found->second;
}

struct Run {
  Request request;
  std::optional<Answer> answer;
};

tuttiResult_t ask(int rank, int ranks, const tuttiUniqueId* id, void* user) {
  Run& run = *static_cast<Run*>(user);
  tuttiComm_t comm = nullptr;
  const tuttiResult_t code = tuttiCommInitRank(&comm, ranks, *id, rank);
  if (code != tuttiSuccess) return code;
  const Selection& selection = comm->selection();
  if (rank == 0 && selection.costs() != nullptr) {
    Answer& answer = run.answer.emplace();
    answer.chosen = selection.choose(run.request);
    answer.candidates = selection.candidates(run.request);
    answer.excluded = selection.excluded(run.request);
    for (std::size_t i = 0; i < kCauses.size(); ++i) {
      const Cheaper costs(*selection.costs(), static_cast<Cause>(i));
      answer.cheaper[i] = selection.candidates(run.request, costs);
    }
  }
  return tuttiCommDestroy(comm);
}

double ns_of(const Candidates& candidates, const AlgorithmChoice& choice) {
  return std::find_if(candidates.begin(), candidates.end(),
                      [&](const Selection::Candidate& each) { return each.choice == choice; })
      ->ns;
}

void print(const Explanation& question, std::size_t bytes, const Answer& answer) {
  fmt::print("# {} of {} B on {} ranks of {}, predicted virtual us\n", question.op, bytes,
             question.ranks, question.fabric.name);
  fmt::print("# > is what the library chooses; on the right the parts of the prediction\n");
  fmt::print("# {:<22} {:>11} {:>9}", "algorithm", "predicted", "longer");
  for (const char* const cause : kCauses) fmt::print(" {:>9}", cause);
  fmt::print("\n");
  const double chosen = ns_of(answer.candidates, answer.chosen);
  for (const auto& [choice, ns] : answer.candidates) {
    const double longer = chosen > 0 ? 100 * (ns / chosen - 1) : 0;
    fmt::print("{} {:<22} {:>11.3f} {:>8.1f}%", choice == answer.chosen ? '>' : ' ',
               name_of(choice), ns / 1e3, longer);
    for (const Candidates& cheaper : answer.cheaper) {
      fmt::print(" {:>9.3f}", (ns - ns_of(cheaper, choice)) / Cheaper::kLess / 1e3);
    }
    fmt::print("\n");
  }
  if (answer.excluded.empty()) return;
  std::string names;
  for (const Algorithm algorithm : answer.excluded) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name_of({algorithm, 1}));
  }
  fmt::print("# too large for the lines or the staging of: {}\n", names);
}

}  // namespace

void explain(const Explanation& question) {
  const perf::Shape shape =
      perf::shape_of(perf::parse_op(question.op), perf::parse_bytes(question.bytes),
                     std::max(1, question.ranks), sizeof(float));
  Run run{.request = {.kind = kind_of(question.op), .count = shape.count, .type = tuttiFloat32},
          .answer = {}};
  if (run.request.kind == OperationKind::kBarrier) run.request = Request{};
  std::vector<const char*> settings;
  tuttiSimConfig_t config = perf::sim_config(question.fabric, settings);
  config.flags |= TUTTI_SIM_TIMING_ONLY;
  const tuttiResult_t code = tuttiSimRun(&config, question.ranks, ask, &run, nullptr);
  if (code != tuttiSuccess) throw Error(code, tuttiGetLastError(nullptr));
  if (!run.answer || run.answer->candidates.empty()) {
    fail(tuttiInvalidArgument, "one rank has nothing to choose: --ranks 2 or more");
  }
  print(question, shape.bytes, *run.answer);
  if (std::fflush(stdout) != 0) {
    fail(tuttiSystemError, "cannot write the table to standard output: {}", std::strerror(errno));
  }
}

}  // namespace tutti::sim
