#include "collectives/cost_model.hpp"

#include <algorithm>

#include "channel/read_windows.hpp"
#include "collectives/exchange.hpp"
#include "collectives/push.hpp"
#include "collectives/two_level.hpp"

namespace tutti {

namespace {
constexpr std::size_t kLineBytes = sizeof(Line);
}

CostModel::CostModel(const Costs& costs, int ranks, const ExchangeLimits& limits)
    : costs_(costs), ranks_(static_cast<std::size_t>(ranks)), limits_(limits) {
  for (int group = 1; group < ranks; ++group) {
    if (ranks % group != 0) continue;
    groups_.push_back(group);
    Division& division = divisions_.emplace_back();
    // Groups may lie across nodes, where rank 0's does not.
    for (Rank first = 0; first < ranks && group > 1; first += group) {
      Reach mates;
      for (int i = 1; i < group; ++i) add(mates, costs.path(first, first + i), costs);
      if (first == 0 || farther(mates, division.mates)) division.mates = mates;
    }
    for (Rank peer = group; peer < ranks; peer += group) {
      add(division.counterparts, costs.path(0, peer), costs);
    }
  }
}

bool CostModel::farther(const Reach& a, const Reach& b) {
  return a.latency_ns != b.latency_ns ? a.latency_ns > b.latency_ns : a.ns_per_byte > b.ns_per_byte;
}

void CostModel::add(Reach& reach, const Path& path, const Costs& costs) {
  reach.shortest_ns =
      reach.peers == 0 ? path.latency_ns : std::min(reach.shortest_ns, path.latency_ns);
  ++reach.peers;
  reach.post_ns += costs.post_ns(path);
  reach.latency_ns = std::max(reach.latency_ns, path.latency_ns);
  reach.read_latency_ns = std::max(reach.read_latency_ns, path.read_latency_ns);
  reach.ns_per_byte += 1 / path.bytes_per_ns;
  reach.read_ns_per_byte += 1 / path.read_bytes_per_ns;
}

const CostModel::Division& CostModel::division(int group) const {
  const auto found = std::lower_bound(groups_.begin(), groups_.end(), group);
  return divisions_[static_cast<std::size_t>(found - groups_.begin())];
}

bool CostModel::knows(OperationKind kind) {
  switch (kind) {
    case OperationKind::kAllReduce:
    case OperationKind::kBarrier:
    case OperationKind::kReduce:
    case OperationKind::kReduceScatter:
    case OperationKind::kAlltoAll:
    case OperationKind::kAllGather:
    case OperationKind::kBroadcast:
    case OperationKind::kGather:
    case OperationKind::kScatter:
      return true;
    default:
      return false;
  }
}

double CostModel::predict(const AlgorithmChoice& choice, const Request& request) const {
  switch (choice.algorithm) {
    case Algorithm::kLine:
      return entry() + line(request);
    case Algorithm::kOneShot:
      return entry() + one_shot(request);
    case Algorithm::kTwoShot:
      return entry() + two_shot(request);
    case Algorithm::kExchange:
      return entry() + exchange(request);
    case Algorithm::kScatterGather:
      return entry() + scatter_gather(request);
    case Algorithm::kOneShotPush:
      return entry() + one_shot_push(request, choice.group);
    case Algorithm::kTwoShotPush:
      return entry() + two_shot_push(request, choice.group);
    case Algorithm::kRelay:
      return entry() + relay(request, choice.group);
    case Algorithm::kExchangePush:
      return entry() + exchange_push(request, choice.group);
    case Algorithm::kTwoLevel:
      return entry() + two_level(request, choice.group);
    case Algorithm::kLocal:
    case Algorithm::kAssembly:
      break;
  }
  return 0;  // not where costs are known: nobody shares words there, and one rank has no choice
}

// The largest of Shares.
std::size_t CostModel::share_of(std::size_t bytes) const {
  constexpr std::size_t kGrain = 64;
  const std::size_t grains = (bytes + kGrain - 1) / kGrain;
  return (grains + ranks_ - 1) / ranks_ * kGrain;
}

double CostModel::sent(std::size_t rows, double row_ns, double all_ns) const {
  return std::max(all_ns, costs_.issue_ns(rows) + row_ns);
}

double CostModel::sent(const Reach& reach, std::size_t bytes) const {
  if (reach.peers == 0) return 0;
  const auto peers = static_cast<std::size_t>(reach.peers);
  const double all = static_cast<double>(bytes + kLineBytes) * reach.ns_per_byte;
  const double posts = reach.post_ns;
  const double row = all / static_cast<double>(peers);
  return std::max(posts + row, sent(peers * (bytes == 0 ? 1 : 2), row, all));
}

double CostModel::noticed(const Reach& reach, double sent) const {
  const double last = reach.latency_ns + sent;
  const double look = looks(1);
  if (reach.peers < 2 || look <= 0) return last;
  // Messages to near ranks may wait behind those to far ones.
  const double first = (reach.shortest_ns + reach.latency_ns) / 2;
  // By the look that begins at the first; or, of many, halfway through one on the average.
  return std::max(first + look, last + look / 2);
}

double CostModel::push(const Reach& reach, std::size_t bytes) const {
  if (reach.peers == 0) return 0;
  return noticed(reach, sent(reach, bytes)) + looks(static_cast<std::size_t>(reach.peers));
}

double CostModel::fan_out(const Reach& reach) const {
  return reach.latency_ns + sent(reach, 0) + looks(1);
}

double CostModel::fan_in(const Reach& reach) const {
  return noticed(reach, static_cast<double>(kLineBytes) * reach.ns_per_byte) +
         looks(static_cast<std::size_t>(reach.peers));
}

double CostModel::asked(const Reach& reach, double answers) const {
  return std::max(sent(reach, 0) + answers / reach.peers, answers);
}

double CostModel::read(const Reach& reach, std::size_t bytes) const {
  if (reach.peers == 0 || bytes == 0) return 0;
  const auto peers = static_cast<std::size_t>(reach.peers);
  const double all = static_cast<double>(bytes) * reach.read_ns_per_byte;
  return reach.read_latency_ns + sent(peers, all / static_cast<double>(peers), all);
}

// What is lost to ports that all serve the same rank (read_windows.hpp), unless cores spread the
// requests over that time.
double CostModel::read_by_all(const Reach& reach, std::size_t bytes, std::size_t windows) const {
  if (reach.peers < 2) return read(reach, bytes);
  const double parts = static_cast<double>(windows);
  const double all = static_cast<double>(bytes) * reach.read_ns_per_byte;
  const double spread = costs_.issue_ns(static_cast<std::size_t>(reach.peers));
  return read(reach, bytes) + (parts - 1) * reach.read_latency_ns +
         std::max(0.0, all / parts - spread);
}

std::size_t CostModel::windows_for(const Reach& reach, std::size_t bytes) {
  return read_windows({.way_ns = reach.read_latency_ns,
                       .ports_ns = static_cast<double>(bytes) * reach.read_ns_per_byte},
                      static_cast<std::size_t>(reach.peers));
}

double CostModel::read_from_one(const Reach& reach, std::size_t bytes) const {
  return reach.read_latency_ns + static_cast<double>(bytes) * reach.read_ns_per_byte;
}

double CostModel::line(const Request& request) const {
  return push(everybody(), 0) + out_of_order() + reduce(ranks_ * request.bytes());
}

double CostModel::one_shot(const Request& request) const {
  const std::size_t bytes = request.bytes();
  return copy(bytes) + push(everybody(), 0) + read_by_all(everybody(), bytes, 1) +
         reduce(ranks_ * bytes);
}

// In place. What the last stage stores is on its way while the cores meet.
double CostModel::two_shot(const Request& request) const {
  const bool scatters = request.kind == OperationKind::kReduceScatter;
  const std::size_t share = scatters ? request.bytes() : share_of(request.bytes());
  const std::size_t windows = windows_for(everybody(), share);
  const double read_all =
      push(everybody(), 0) + read_by_all(everybody(), share, windows) + reduce(ranks_ * share);
  const double stored = scatters ? push(everybody(), 0) : push(everybody(), share);
  return read_all + std::max(sync() + push(everybody(), 0), stored);
}

double CostModel::exchange(const Request& request) const {
  const std::size_t bytes = request.bytes();
  if (request.kind != OperationKind::kAlltoAll && request.kind != OperationKind::kAllGather) {
    return exchange_rooted(request);
  }
  const double entries = push(everybody(), 0) + out_of_order() + copy(bytes);
  if (bytes <= ExchangeEntry::kInlineBytes) return entries;
  if (const auto copies = eager_copies(request)) {
    return static_cast<double>(*copies) * copy(bytes) + entries +
           read_by_all(everybody(), bytes, 1);
  }
  return entries + read_by_all(everybody(), bytes, windows_for(everybody(), bytes)) +
         push(everybody(), 0);
}

// The root's port and cores have what everybody's have above.
double CostModel::exchange_rooted(const Request& request) const {
  const std::size_t bytes = request.bytes();
  const Reach& all = everybody();
  const bool gathers = request.kind == OperationKind::kGather;
  if (bytes <= ExchangeEntry::kInlineBytes)
    return (gathers ? fan_in(all) : fan_out(all)) + copy(bytes);
  const double row = static_cast<double>(bytes) * all.read_ns_per_byte;
  const double moved =
      copy(bytes) + (gathers ? fan_in(all) + read(all, bytes)
                             : all.latency_ns + looks(1) + all.read_latency_ns + asked(all, row));
  if (const auto copies = eager_copies(request)) {
    return static_cast<double>(*copies) * copy(bytes) + moved;
  }
  return moved + (gathers ? fan_out(all) : fan_in(all));
}

// How many copies of a row go to staging, if any do.
std::optional<std::size_t> CostModel::eager_copies(const Request& request) const {
  const std::size_t bytes = request.bytes();
  if (bytes > limits_.eager_bytes) return std::nullopt;
  const bool one =
      request.kind != OperationKind::kAlltoAll && request.kind != OperationKind::kScatter;
  const std::size_t copies = one ? 1 : ranks_ - 1;
  const std::size_t staged = one ? bytes : copies * ((bytes + 63) & ~std::size_t{63});
  if (staged > limits_.staging_bytes) return std::nullopt;
  return copies;
}

// What the root's port gives out is what all get in the first stage.
double CostModel::scatter_gather(const Request& request) const {
  const Reach& all = everybody();
  const std::size_t share = share_of(request.bytes());
  return push(all, 0) + read_from_one(all, share) + sync() + push(all, share);
}

// Rows to the own group leave while entries of others are on their way.
double CostModel::exchange_push(const Request& request, int group) const {
  const std::size_t bytes = request.bytes();
  const Reach& all = everybody();
  if (request.kind == OperationKind::kGather) {
    const double rows = static_cast<double>(bytes + kLineBytes) * all.ns_per_byte;
    return all.latency_ns + looks(1) + noticed(all, asked(all, rows)) + looks(ranks_ - 1);
  }
  if (request.kind == OperationKind::kAlltoAll || request.kind == OperationKind::kAllGather) {
    return copy(bytes) + noticed(all, last_pushed(bytes, group, ranks_ - 1)) + looks(ranks_ - 1);
  }
  return copy(bytes) + last_pushed(bytes, group, 1) + all.latency_ns + looks(1);
}

// When the last of a rank's rows has left, where everybody tells `told` ranks where its own go.
double CostModel::last_pushed(std::size_t bytes, int group, std::size_t told) const {
  const Reach& all = everybody();
  const Reach& mates = division(group).mates;
  const auto near = static_cast<std::size_t>(mates.peers);
  const std::size_t far = ranks_ - 1 - near;
  const double entries = told == 1 ? all.post_ns / all.peers : sent(all, 0);
  const double near_entries =
      std::min(near, told) == 0
          ? 0
          : static_cast<double>(std::min(near, told)) * mates.post_ns / mates.peers;
  const double near_known = near == 0 ? 0 : noticed(mates, near_entries) + looks(near);
  const std::size_t rows = bytes == 0 ? 1 : 2;
  const double near_issued = near_known + costs_.issue_ns(near * rows);
  const double all_known = std::max(near_issued, noticed(all, entries)) + looks(far);
  const double row = static_cast<double>(bytes + kLineBytes);
  const double near_rows = row * mates.ns_per_byte;
  const double far_rows = row * all.ns_per_byte - near_rows;
  const double one = far_rows / static_cast<double>(far);
  return std::max(all_known + sent(far * rows, one, far_rows), near_known + near_rows + far_rows);
}

double CostModel::scatter(int group, std::size_t share_bytes, std::size_t total) const {
  const Division& parts = division(group);
  if (group == 1) return push(parts.counterparts, share_bytes) + copy(share_bytes);
  const auto size = static_cast<std::size_t>(group);
  const std::size_t row = ranks_ / size * share_bytes;
  return push(parts.mates, row) + copy(row) + copy(std::min(total, size * row)) +
         push(parts.counterparts, size * share_bytes);
}

double CostModel::gather(int group, std::size_t share_bytes, std::size_t total) const {
  const Division& parts = division(group);
  const std::size_t inline_bytes = LineContent::kPayloadBytes - sizeof(Sequence);
  const std::size_t row = ranks_ / static_cast<std::size_t>(group) * share_bytes;
  return push(parts.counterparts, share_bytes <= inline_bytes ? 0 : share_bytes) +
         push(parts.mates, std::min(total, row));
}

// What is sent is copied first, unless it may leave from where it lies.
double CostModel::staged(std::size_t bytes, int group) const {
  return limits_.any_source && group == 1 ? 0 : copy(bytes);
}

double CostModel::one_shot_push(const Request& request, int group) const {
  const std::size_t bytes = request.bytes();
  return staged(bytes, group) + gather(group, bytes, ranks_ * bytes) + reduce(ranks_ * bytes);
}

double CostModel::two_shot_push(const Request& request, int group) const {
  const StagedPush::Plan plan = two_shot_push_plan(request, static_cast<int>(ranks_), group);
  const double reduced =
      scatter(group, plan.share_bytes, plan.total) + reduce(ranks_ * plan.share_bytes);
  if (plan.packed) return copy(plan.total) + reduced;
  return reduced + sync() + gather(group, plan.share_bytes, plan.total) + copy(plan.total);
}

double CostModel::relay(const Request& request, int group) const {
  const std::size_t bytes = request.bytes();
  const std::size_t all = ranks_ * bytes;
  if (request.kind == OperationKind::kAllGather) {
    return staged(bytes, group) + gather(group, bytes, all) + copy(all);
  }
  return staged(all, group) + scatter(group, bytes, all) + copy(all);
}

// Chunk after chunk: each takes as long as its bytes, all through one port, or as what the rank
// does for it and the way of the result, which it awaits, if that is longer. The first one's sums
// come before that.
double CostModel::two_level(const Request& request, int group) const {
  constexpr std::size_t kLevelGrain = TwoLevelPlan::kGrain;
  const TwoLevelPlan plan =
      two_level_plan(request, static_cast<int>(ranks_), group, limits_.staging_bytes);
  const Division& parts = division(group);
  const auto members = static_cast<std::size_t>(group);
  const std::size_t groups = ranks_ / members;
  const std::size_t size = request.element_bytes();
  const auto share = [](std::size_t elements, std::size_t shares) {
    const std::size_t grains = (elements + kLevelGrain - 1) / kLevelGrain;
    return std::min((grains + shares - 1) / shares * kLevelGrain, elements);
  };
  // Of a chunk of so many elements: until its sums leave; on the ways; from its sums on.
  const auto sum = [&](std::size_t piece) {
    return push(parts.mates, piece * size) + reduce(members * piece * size) + sync();
  };
  const auto ways = [&](std::size_t piece, std::size_t part) {
    return 2 * sent(parts.mates, piece * size) +
           sent(parts.counterparts, part * plan.partial_bytes) +
           sent(parts.counterparts, part * size);
  };
  const auto result = [&](std::size_t piece, std::size_t part) {
    return reduce(groups * part * plan.partial_bytes) + sync() +
           push(parts.counterparts, part * size) + push(parts.mates, piece * size) +
           copy(members * piece * size);
  };
  if (request.count == 0) return push(everybody(), 0);
  const std::size_t piece = share(std::min(plan.chunk, request.count), members);
  const std::size_t part = share(piece, groups);
  const std::size_t last = share(request.count - (plan.chunks - 1) * plan.chunk, members);
  const double each = std::max(sum(piece) + result(piece, part), ways(piece, part));
  return push(everybody(), 0) + sum(piece) + push(parts.counterparts, part * plan.partial_bytes) +
         static_cast<double>(plan.chunks - 1) * each + result(last, share(last, groups));
}

}  // namespace tutti
