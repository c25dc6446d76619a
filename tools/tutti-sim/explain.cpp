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

// The costs of a fabric where one of them is gone.
class Without final : public Costs {
 public:
  Without(const Costs& costs, Cause cause) : costs_(costs), cause_(cause) {}

  Path path(Rank from, Rank to) const noexcept override {
    Path path = costs_.path(from, to);
    if (cause_ == Cause::kLatency) path.latency_ns = path.read_latency_ns = 0;
    if (cause_ == Cause::kBytes) {
      constexpr double kFast = 1e6;  // the model divides by it
      path.bytes_per_ns *= kFast;
      path.read_bytes_per_ns *= kFast;
    }
    return path;
  }
  double work_ns(const LocalWork& work) const noexcept override {
    return cause_of(work.kind) == cause_ ? 0 : costs_.work_ns(work);
  }
  double post_ns() const noexcept override {
    return cause_ == Cause::kFlags ? 0 : costs_.post_ns();
  }
  double issue_ns(std::size_t rows) const noexcept override {
    return cause_ == Cause::kRows ? 0 : costs_.issue_ns(rows);
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

  const Costs& costs_;
  Cause cause_;
};

// What a rank of the fabric has to say.
struct Answer {
  AlgorithmChoice chosen;
  Candidates candidates;
  std::vector<Algorithm> excluded;
  std::array<Candidates, kCauses.size()> without;
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
      const Without costs(*selection.costs(), static_cast<Cause>(i));
      answer.without[i] = selection.candidates(run.request, costs);
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
  fmt::print(
      "# > is what the library chooses; behind it what each would gain if that cost nothing\n");
  fmt::print("# {:<22} {:>11} {:>9}", "algorithm", "predicted", "longer");
  for (const char* const cause : kCauses) fmt::print(" {:>9}", cause);
  fmt::print("\n");
  const double chosen = ns_of(answer.candidates, answer.chosen);
  for (const auto& [choice, ns] : answer.candidates) {
    const double longer = chosen > 0 ? 100 * (ns / chosen - 1) : 0;
    fmt::print("{} {:<22} {:>11.3f} {:>8.1f}%", choice == answer.chosen ? '>' : ' ',
               name_of(choice), ns / 1e3, longer);
    for (const Candidates& without : answer.without) {
      fmt::print(" {:>9.3f}", (ns - ns_of(without, choice)) / 1e3);
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
