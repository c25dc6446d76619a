#include "transports/ub/model/cell_fabric.hpp"

#include <algorithm>

namespace tutti::ub {

CellFabric::CellFabric(const Topology& topology, const FabricOptions& options, ModelEvents& queue,
                       TransferSink& sink)
    : topology_(topology),
      queue_(queue),
      sink_(sink),
      probe_(options.probe),
      faults_(topology, options.faults, options.seed),
      spreading_(topology, faults_, options),
      issue_(topology, faults_),
      cell_bytes_(options.cell_bytes),
      ranks_(static_cast<std::size_t>(topology.ranks())),
      channels_(static_cast<std::size_t>(spreading_.most_channels())),
      trunks_(topology, faults_, spreading_),
      local_(topology, sink),
      lines_((kRankStages * ranks_ * channels_ + kTrunkStages * trunks_.ports()) *
                 static_cast<std::size_t>(topology.paths()),
             items_, queue, *this) {
  const auto& networks = topology.profile().networks;
  const std::size_t ports = networks.size() * ranks_ * channels_;
  egress_.resize(ports);
  ingress_.resize(ports);
  load_.resize(ports);
  credit_return_.resize(networks.size());
  for (int i = 0; i < topology.paths(); ++i) {
    const FabricPath& path = topology.path(i);
    if (path.network < 0) continue;
    Picoseconds& longest = credit_return_[static_cast<std::size_t>(path.network)];
    longest = std::max(longest, path.flight);
  }
  for (std::size_t n = 0; n < networks.size(); ++n) {
    const std::int64_t room = networks[n].receive_buffer_bytes * topology.units_per_rank() /
                              static_cast<std::int64_t>(cell_bytes_);
    for (std::size_t rank = 0; rank < ranks_; ++rank) {
      credits_.emplace_back(std::max<std::int64_t>(room, 1));
    }
  }
}

void CellFabric::start(Picoseconds at, const Transfer& transfer) {
  check_transfer(topology_, transfer);
  const int path_index =
      Topology::path_index(topology_.hop(transfer.rank, transfer.peer), transfer.direction);
  const FabricPath& path = topology_.path(path_index);
  if (path.network < 0) {
    const IssueSlots::Issue issue = issue_.take(transfer.rank, at, transfer.rows);
    if (probe_ != nullptr) probe_->issued(transfer.tag, issue.first, issue.last);
    return local_.start(issue.first, transfer, path);
  }
  const bool reads = transfer.direction == Direction::kRead;
  const std::uint32_t job = jobs_.acquire({.tag = transfer.tag});
  std::uint64_t rest = transfer.bytes;
  IssueSlots::Issue issue{.first = Picoseconds::max(), .last = at};
  for (std::uint32_t row = 0; row < transfer.rows; ++row) {
    const std::uint64_t bytes = rest / (transfer.rows - row);
    rest -= bytes;
    jobs_[job].cells_to_leave += cells(bytes);
    const std::uint32_t id = items_.acquire({.bytes = bytes,
                                             .job = job,
                                             .from = reads ? transfer.peer : transfer.rank,
                                             .to = reads ? transfer.rank : transfer.peer,
                                             .path = static_cast<std::int16_t>(path_index)});
    const Picoseconds issued = issue_.take(transfer.rank, at, 1).first;
    issue = {std::min(issue.first, issued), std::max(issue.last, issued)};
    wait(Stage::kReady, static_cast<std::size_t>(transfer.rank), issued + path.before_port, id);
  }
  if (probe_ != nullptr) probe_->issued(transfer.tag, issue.first, issue.last);
  jobs_[job].cells_to_arrive = jobs_[job].cells_to_leave;
}

void CellFabric::wait(Stage stage, std::size_t owner, Picoseconds time, std::uint32_t id) {
  const Item& item = items_[id];
  const auto number = static_cast<std::size_t>(stage);
  const std::size_t row =
      number < kRankStages
          ? (number * ranks_ + owner) * channels_ + static_cast<std::size_t>(item.channel)
          : kRankStages * ranks_ * channels_ + (number - kRankStages) * trunks_.ports() + owner;
  const std::size_t line =
      row * static_cast<std::size_t>(topology_.paths()) + static_cast<std::size_t>(item.path);
  lines_.push(line, time, id, token_of(number, line));
}

void CellFabric::schedule_wake(ServedPort& port, Stage stage, std::size_t number) {
  if (port.wake_scheduled || port.ring.empty()) return;
  port.wake_scheduled = true;
  queue_.schedule(port.free, *this, token_of(static_cast<std::size_t>(stage), number));
}

void CellFabric::fire(Picoseconds now, std::uint64_t token) {
  const auto stage = stage_of<Stage>(token);
  const auto number = static_cast<std::uint32_t>(token);
  switch (stage) {
    case Stage::kReady:
      return enqueue(now, lines_.pop(number, token));
    case Stage::kUp:
    case Stage::kDown:
      return cross(now, lines_.pop(number, token), stage);
    case Stage::kIngress:
    case Stage::kBehindTrunk:
      return reach_ingress(now, lines_.pop(number, token));
    case Stage::kEgressFree:
      egress_[number].wake_scheduled = false;
      return pump_egress(now, number);
    case Stage::kIngressFree:
      ingress_[number].wake_scheduled = false;
      return pump_ingress(now, number);
    case Stage::kCredit:
      return wake_waiting(now, number);
    case Stage::kRetry:
      return retry(now, number);
  }
}

void CellFabric::cross(Picoseconds now, std::uint32_t id, Stage stage) {
  Item& cell = items_[id];
  const FaultSchedule::Route route = route_of(cell);
  const FabricPath& path = topology_.path(cell.path);
  const bool up = stage == Stage::kUp;
  const int node = topology_.node_of(up ? cell.from : cell.to);
  const std::size_t port = trunks_.port(route.network, node, cell.channel, cell.link);
  const Trunks::Crossing crossing =
      up ? trunks_.up(route, port, cell.bytes, now) : trunks_.down(route, port, cell.bytes, now);
  const Picoseconds onward = path.behind_trunk(up);
  cell.tail = std::max(cell.tail, crossing.end) + onward;
  wait(up ? Stage::kDown : Stage::kBehindTrunk, port, crossing.start + onward, id);
}

void CellFabric::reach_ingress(Picoseconds now, std::uint32_t id) {
  const Item& cell = items_[id];
  const std::size_t port = port_index(topology_.path(cell.path).network, cell.to, cell.channel);
  const std::uint32_t lane =
      flows_[cell.flow].first_lane + static_cast<std::uint32_t>(cell.channel);
  const bool joins = lanes_[lane].cells.empty();
  lanes_[lane].cells.push(items_, id);
  if (joins) ingress_[port].ring.push(lanes_, lane);
  pump_ingress(now, port);
}

void CellFabric::pump_ingress(Picoseconds now, std::size_t number) {
  ServedPort& port = ingress_[number];
  while (port.free <= now && !port.ring.empty()) {
    const std::uint32_t lane = port.ring.pop(lanes_);
    const std::uint32_t id = lanes_[lane].cells.pop(items_);
    if (!lanes_[lane].cells.empty()) port.ring.push(lanes_, lane);
    const Item cell = items_[id];
    items_.release(id);
    const FaultSchedule::Route route = route_of(cell);
    const Rate rate =
        spreading_.passage(route, topology_.path(cell.path), cell.channel, now).ingress;
    port.free = now + rate.time(cell.bytes);
    const Picoseconds arrived = std::max(cell.tail, port.free);
    return_credit(arrived + credit_return_[static_cast<std::size_t>(route.network)], route.network,
                  cell.to);
    Job& job = jobs_[cell.job];
    job.arrived = std::max(job.arrived, arrived);
    if (--job.cells_to_arrive == 0) close(cell.job);
  }
  schedule_wake(ingress_[number], Stage::kIngressFree, number);
}

void CellFabric::return_credit(Picoseconds when, int network, int rank) {
  const std::size_t pool = pool_index(network, rank);
  credits_[pool].give_back(when);
  credits_[pool].schedule_wake(queue_, *this,
                               token_of(static_cast<std::size_t>(Stage::kCredit), pool));
}

void CellFabric::wake_waiting(Picoseconds now, std::size_t number) {
  credits_[number].woken();
  for (;;) {
    const std::uint32_t flow = credits_[number].grant(flows_, now);
    if (flow == kNone) break;
    flows_[flow].granted = true;
    egress_[flows_[flow].ring].granted.push(flows_, flow);
    pump_ring(now, flows_[flow].ring);
  }
  credits_[number].schedule_wake(queue_, *this,
                                 token_of(static_cast<std::size_t>(Stage::kCredit), number));
}

void CellFabric::close(std::uint32_t id) {
  const Job job = jobs_[id];
  jobs_.release(id);
  if (job.lost) return sink_.lost(job.tag, std::max(job.left, job.arrived));
  sink_.arrived(job.tag, job.arrived);
}

}  // namespace tutti::ub
