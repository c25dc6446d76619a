#include "transports/ub/bus/bus_costs.hpp"

#include <utility>

namespace tutti::ub {

namespace {

double in_ns(Picoseconds time) { return static_cast<double>(time.count()) / 1e3; }

double bytes_per_ns(const Rate& rate) {
  constexpr std::uint64_t kLong = 1 << 20;
  return static_cast<double>(kLong) / in_ns(rate.time(kLong));
}

}  // namespace

Distances::Distances(const Topology& topology, std::span<const int> places)
    : ranks_(places.size()) {
  for (int hop = 0; hop < topology.hops(); ++hop) {
    for (const int place : places) groups_.push_back(topology.group(hop, place));
  }
}

Distances::Distances(int ranks, std::vector<std::int64_t> groups) noexcept
    : ranks_(static_cast<std::size_t>(ranks)), groups_(std::move(groups)) {}

int Distances::hop(Rank from, Rank to) const noexcept {
  if (from == to) return 0;
  const std::int64_t* const last = groups_.data() + groups_.size() - ranks_;
  const std::int64_t* group = groups_.data() + ranks_;
  int hop = 1;
  for (; group < last && group[from] != group[to]; group += ranks_) ++hop;
  return hop;
}

CostFacts::CostFacts(const Topology& topology, const WorkCosts& costs) : work(costs) {
  const Profile& profile = topology.profile();
  for (std::size_t hop = 0; hop < profile.hops.size(); ++hop) {
    const auto path = [&](Direction direction) {
      return topology.path(Topology::path_index(static_cast<int>(hop), direction));
    };
    const FabricPath write = path(Direction::kWrite);
    const FabricPath read = path(Direction::kRead);
    const auto hop_class = static_cast<int>(profile.hops[hop].hop_class);
    hops[hop] = {.hop_class = hop_class == 0 ? 0 : hop_class + 1,
                 .latency_ns = in_ns(write.before_port + write.flight),
                 .bytes_per_ns = bytes_per_ns(write.port),
                 .read_latency_ns = in_ns(read.before_port + read.flight),
                 .read_bytes_per_ns = bytes_per_ns(read.port)};
  }
  if (!profile.software) return;
  cores = static_cast<std::uint64_t>(profile.software->cores) *
          static_cast<std::uint64_t>(topology.units_per_rank());
  row_ns = in_ns(nanoseconds(profile.software->row_issue_ns));
}

double BusCosts::work_ns(const LocalWork& work) const noexcept {
  return in_ns(facts_.work.of(work));
}

double BusCosts::post_ns(const Path&) const noexcept { return in_ns(facts_.work.flag()); }

double BusCosts::issue_ns(std::size_t rows) const noexcept {
  if (rows == 0) return 0;
  const std::size_t rounds = (rows - 1) / facts_.cores;  // before the last one's
  return static_cast<double>(rounds) * facts_.row_ns;
}

}  // namespace tutti::ub
