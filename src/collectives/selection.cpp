#include "collectives/selection.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "channel/layout.hpp"
#include "collectives/push.hpp"
#include "collectives/two_level.hpp"

namespace tutti {

namespace {

// Two ranks, two cores of one L3 (docs/performance.md): one shot and two shot cross near 2 KiB.
constexpr std::size_t kOneShotBytes = 2048;
// The last to arrive reduces alone; beyond this the others' cores are better used than saved.
constexpr std::size_t kAssemblyBytes = 4096;
constexpr std::size_t kEagerBytes = 1024;
constexpr std::size_t kEagerPlainBytes = std::size_t{256} << 10;
constexpr std::size_t kChunkBytes = std::size_t{256} << 10;
// Private rows of all_to_all on two ranks, microseconds, staged / get. Zen 4, in one third-level
// cache 32 KiB 6.5 / 5.9, 256 KiB 30 / 32, 2 MiB 430 / 350; in two 32 KiB 8.2 / 6.6, 256 KiB 67 /
// 33, 2 MiB 540 / 265. Zen 5 where a system call takes 2 us, in two: 32 KiB 3.7 / 6.7, 64 KiB 6.6 /
// 8.3, 256 KiB 24 / 23.
constexpr std::size_t kLeastGetBytes = std::size_t{128} << 10;
// More ranks than cores, all_to_all, Zen 5 where a system call takes 2 us, milliseconds, exchange /
// assembly: 64 ranks 64 B 1.4 / 9, 2 KiB 3.7 / 12, 64 KiB 57 / 78; 384 ranks 4 KiB more than 30000
// / 1260.
constexpr int kExchangeCrowd = 64;
constexpr std::size_t kPipes = 8;
constexpr std::size_t kCopiedInPlaceBytes = std::size_t{64} << 20;

// What the model knows. At equal times what comes first is chosen: pushes await lines in the order
// in which they come.
constexpr std::array<Algorithm, 10> kModelled = {
    Algorithm::kOneShotPush,  Algorithm::kTwoShotPush, Algorithm::kRelay,
    Algorithm::kExchangePush, Algorithm::kLine,        Algorithm::kOneShot,
    Algorithm::kTwoShot,      Algorithm::kExchange,    Algorithm::kScatterGather,
    Algorithm::kTwoLevel};

bool is_all_reduce(OperationKind kind) {
  return kind == OperationKind::kAllReduce || kind == OperationKind::kBarrier;
}

// Everybody sends to everybody, from one place for each that the receiver can tell.
bool assembles_rows(OperationKind kind) {
  return kind == OperationKind::kAlltoAll || kind == OperationKind::kAllGather ||
         kind == OperationKind::kAllGatherv;
}

}  // namespace

Selection::Selection(const Situation& situation, const std::optional<std::string>& forced)
    : situation_(situation) {
  if (forced) {
    forced_ = choice_named(*forced);
    if (!forced_) {
      fail(tuttiInvalidArgument, "TUTTI_ALGO=\"{}\" is none of {}", *forced, choice_names());
    }
  }
  if (situation.costs != nullptr && situation.ranks > 1) {
    model_.emplace(model_of(*situation.costs));
  }
}

CostModel Selection::model_of(const Costs& costs) const {
  return CostModel(costs, situation_.ranks,
                   {.eager_bytes = kEagerBytes,
                    .staging_bytes = situation_.slot_bytes,
                    .any_source = situation_.any_source});
}

// The operations that an algorithm is for, whatever their size.
bool Selection::serves(Algorithm algorithm, OperationKind kind) {
  switch (algorithm) {
    case Algorithm::kLocal:
      return true;
    case Algorithm::kLine:
    case Algorithm::kOneShot:
      return is_all_reduce(kind);
    case Algorithm::kAssembly:
      return is_all_reduce(kind) || assembles_rows(kind);
    case Algorithm::kTwoShot:
      return reduces(kind);
    case Algorithm::kExchange:
    case Algorithm::kExchangePush:
      return !reduces(kind);
    case Algorithm::kScatterGather:
      return kind == OperationKind::kBroadcast;
    case Algorithm::kOneShotPush:
      return is_all_reduce(kind);
    case Algorithm::kTwoShotPush:
      return kind == OperationKind::kAllReduce || kind == OperationKind::kReduceScatter;
    case Algorithm::kRelay:
      return kind == OperationKind::kAlltoAll || kind == OperationKind::kAllGather;
    case Algorithm::kTwoLevel:
      return kind == OperationKind::kAllReduce;
  }
  return false;
}

bool Selection::can(const AlgorithmChoice& choice, const Request& request) const {
  const std::size_t bytes = request.bytes();
  const int ranks = situation_.ranks;
  const auto staged = [&](const StagedPush::Plan& plan) {
    return StagedPush::staging_bytes(plan, ranks) <= situation_.slot_bytes;
  };
  if (ranks % choice.group != 0 || !serves(choice.algorithm, request.kind)) return false;
  switch (choice.algorithm) {
    case Algorithm::kLocal:
      return ranks == 1;
    case Algorithm::kLine:
      return bytes <= LineContent::kPayloadBytes && !request.reducer.scaled;
    case Algorithm::kAssembly:
      if (!situation_.shared_words) return false;
      if (assembles_rows(request.kind)) return true;
      [[fallthrough]];
    case Algorithm::kOneShot:
      return bytes <= situation_.slot_bytes && !request.reducer.scaled;
    case Algorithm::kTwoShot:
    case Algorithm::kExchange:
      return true;
    case Algorithm::kOneShotPush:
      return staged(one_shot_push_plan(request, ranks, choice.group)) && !request.reducer.scaled;
    case Algorithm::kTwoShotPush:
      return staged(two_shot_push_plan(request, ranks, choice.group)) && !request.reducer.scaled;
    case Algorithm::kRelay:
      return staged(relay_plan(request, ranks, choice.group));
    case Algorithm::kScatterGather:
    case Algorithm::kExchangePush:
      return situation_.direct;
    case Algorithm::kTwoLevel:
      return choice.group > 1 && choice.group < ranks && !request.reducer.scaled &&
             fits(two_level_plan(request, ranks, choice.group, situation_.slot_bytes));
  }
  return false;
}

AlgorithmChoice Selection::choose(const Request& request) const {
  if (situation_.ranks == 1) return {Algorithm::kLocal};
  if (forced_ && serves(forced_->algorithm, request.kind)) [[unlikely]] {
    if (!can(*forced_, request)) {
      fail(tuttiInvalidUsage, "TUTTI_ALGO={} cannot run {} of {} bytes on {} ranks",
           name_of(*forced_), name_of(request.kind), request.bytes(), situation_.ranks);
    }
    return *forced_;
  }
  if (model_) return choose_modelled(request);
  return choose_measured(request);
}

AlgorithmChoice Selection::choose_measured(const Request& request) const {
  if (!reduces(request.kind)) {
    const bool assembly = situation_.crowded && situation_.ranks > kExchangeCrowd;
    return {assembly && assembles_rows(request.kind) ? Algorithm::kAssembly : Algorithm::kExchange};
  }
  if (!is_all_reduce(request.kind) || request.reducer.scaled) return {Algorithm::kTwoShot};
  const std::size_t bytes = request.bytes();
  if (situation_.crowded && situation_.shared_words && bytes <= kAssemblyBytes) {
    return {Algorithm::kAssembly};
  }
  if (bytes <= LineContent::kPayloadBytes) return {Algorithm::kLine};
  // Everybody reads everybody's bytes: the work grows with the ranks.
  if (bytes <= kOneShotBytes * 2 / static_cast<std::size_t>(situation_.ranks)) {
    return {Algorithm::kOneShot};
  }
  return {Algorithm::kTwoShot};
}

AlgorithmChoice Selection::choose_modelled(const Request& request) const {
  // Every rank's counts are its own: no model of one says the same on all.
  if (CostModel::knows(request.kind)) {
    const std::size_t bytes = request.bytes();
    const std::size_t hash =
        (bytes ^ static_cast<std::size_t>(request.kind) << 56) * std::size_t{0x9E3779B97F4A7C15u};
    const std::lock_guard lock(mutex_);
    Remembered& last = remembered_[hash >> 58];
    if (!last.choice || last.kind != request.kind || last.bytes != bytes ||
        last.scaled != request.reducer.scaled || last.type != request.type ||
        last.op != request.reducer.op) {
      last = {request.kind, request.reducer.scaled,
              request.type, request.reducer.op,
              bytes,        candidates(request).front().choice};
    }
    return *last.choice;
  }
  return {reduces(request.kind) ? Algorithm::kTwoShot : Algorithm::kExchange};
}

std::vector<Selection::Candidate> Selection::candidates(const Request& request) const {
  if (!model_ || !CostModel::knows(request.kind)) return {};
  return candidates(request, *model_);
}

std::vector<Selection::Candidate> Selection::candidates(const Request& request,
                                                        const Costs& others) const {
  if (!model_ || !CostModel::knows(request.kind)) return {};
  return candidates(request, model_of(others));
}

std::vector<Selection::Candidate> Selection::candidates(const Request& request,
                                                        const CostModel& model) const {
  std::vector<Candidate> found;
  for (const Algorithm algorithm : kModelled) {
    for (const int group : model.groups()) {
      const AlgorithmChoice choice{algorithm, group};
      if (group > 1 && !knows_groups(algorithm)) break;
      if (can(choice, request)) found.push_back({choice, model.predict(choice, request)});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Candidate& a, const Candidate& b) { return a.ns < b.ns; });
  return found;
}

std::vector<Algorithm> Selection::excluded(const Request& request) const {
  std::vector<Algorithm> none;
  for (const Algorithm algorithm : kModelled) {
    if (!serves(algorithm, request.kind)) continue;
    bool possible = can({algorithm, 1}, request);
    // What only runs in groups.
    for (int group = 2; algorithm == Algorithm::kTwoLevel && group < situation_.ranks; ++group) {
      possible = possible || can({algorithm, group}, request);
    }
    if (!possible) none.push_back(algorithm);
  }
  return none;
}

std::size_t Selection::eager_bytes() const noexcept { return kEagerBytes; }
std::size_t Selection::eager_plain_bytes() const noexcept { return kEagerPlainBytes; }
std::size_t Selection::least_get_bytes() noexcept { return kLeastGetBytes; }
std::size_t Selection::chunk_bytes() const noexcept { return kChunkBytes; }
std::size_t Selection::pipes() const noexcept { return kPipes; }
std::size_t Selection::copied_in_place_bytes() const noexcept { return kCopiedInPlaceBytes; }

}  // namespace tutti
