#include "transports/ub/bus/bus_costs.hpp"

namespace tutti::ub {

namespace {

double in_ns(Picoseconds time) { return static_cast<double>(time.count()) / 1e3; }

double bytes_per_ns(const Rate& rate) {
  constexpr std::uint64_t kLong = 1 << 20;
  return static_cast<double>(kLong) / in_ns(rate.time(kLong));
}

}  // namespace

BusCosts::BusCosts(const RankPort& port) : port_(port) {
  const Topology& topology = port.courier().topology();
  const Profile& profile = topology.profile();
  for (std::size_t hop = 0; hop < profile.hops.size(); ++hop) {
    const auto path = [&](Direction direction) {
      return topology.path(Topology::path_index(static_cast<int>(hop), direction));
    };
    const FabricPath write = path(Direction::kWrite);
    const FabricPath read = path(Direction::kRead);
    const auto hop_class = static_cast<int>(profile.hops[hop].hop_class);
    hops_.push_back({.hop_class = hop_class == 0 ? 0 : hop_class + 1,
                     .latency_ns = in_ns(write.before_port + write.flight),
                     .bytes_per_ns = bytes_per_ns(write.port),
                     .read_latency_ns = in_ns(read.before_port + read.flight),
                     .read_bytes_per_ns = bytes_per_ns(read.port)});
  }
  if (!profile.software) return;
  cores_ = static_cast<std::size_t>(profile.software->cores) *
           static_cast<std::size_t>(topology.units_per_rank());
  row_ns_ = in_ns(nanoseconds(profile.software->row_issue_ns));
}

Path BusCosts::path(Rank from, Rank to) const noexcept {
  const Roster& roster = port_.roster();
  const int hop = port_.courier().topology().hop(roster.place(from), roster.place(to));
  return hops_[static_cast<std::size_t>(hop)];
}

double BusCosts::work_ns(const LocalWork& work) const noexcept {
  return in_ns(port_.costs().of(work));
}

double BusCosts::post_ns() const noexcept { return in_ns(port_.costs().flag()); }

double BusCosts::issue_ns(std::size_t rows) const noexcept {
  return rows == 0 ? 0 : static_cast<double>((rows - 1) / cores_) * row_ns_;
}

}  // namespace tutti::ub
