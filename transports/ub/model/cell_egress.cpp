// The sending half of CellFabric: flows, credits, planes, and what failures do to cells.
#include <algorithm>
#include <bit>

#include "transports/ub/model/cell_fabric.hpp"

namespace tutti::ub {

std::uint32_t CellFabric::find_flow(const Item& item) {
  const auto number = static_cast<std::uint32_t>(flows_.size());
  const int network = topology_.path(item.path).network;
  const std::uint64_t pair =
      static_cast<std::uint64_t>(item.from) * ranks_ + static_cast<std::uint64_t>(item.to);
  const std::uint64_t key = (pair * static_cast<std::uint64_t>(topology_.paths()) +
                             static_cast<std::uint64_t>(item.path)) *
                                channels_ +
                            static_cast<std::uint64_t>(item.channel);
  const auto [found, is_new] = flow_numbers_.try_emplace(key, number);
  if (is_new) {
    Flow& flow = flows_.emplace_back();
    flow.first_lane = static_cast<std::uint32_t>(lanes_.size());
    flow.ring = port_index(network, item.from, item.channel);
    lanes_.resize(lanes_.size() + static_cast<std::size_t>(spreading_.channels(network)));
  }
  return found->second;
}

void CellFabric::enqueue(Picoseconds now, std::uint32_t id) {
  Item& item = items_[id];
  const FaultSchedule::Route route = route_of(item);
  const std::size_t first_port = port_index(route.network, item.from, 0);
  int channel = 0;
  if (!sprays(route.network)) {
    const std::uint64_t number = numbered_++;
    channel = spreading_.choose(route, number, &load_[first_port], now);
    if (channel < 0) return lose(now, id);
    item.link = static_cast<std::int16_t>(trunks_.choose(route, number, channel, item.bytes, now));
    Picoseconds& load = load_[first_port + static_cast<std::size_t>(channel)];
    load = std::max(load, now) +
           spreading_.rate_of(route.network, topology_.path(item.path)).time(item.bytes);
  }
  item.channel = static_cast<std::int16_t>(channel);
  item.flow = find_flow(item);
  const std::uint32_t flow = item.flow;
  flows_[flow].items.push(items_, id);
  if (!flows_[flow].active) activate(now, flow);
}

void CellFabric::activate(Picoseconds now, std::uint32_t flow) {
  flows_[flow].active = true;
  egress_[flows_[flow].ring].ring.push(flows_, flow);
  pump_ring(now, flows_[flow].ring);
}

// All ports that take cells from this ring. In turn: if the first free one were taken, the low
// planes would be crowded wherever senders have ports to spare.
void CellFabric::pump_ring(Picoseconds now, std::size_t ring) {
  const auto network = static_cast<int>(ring / channels_ / ranks_);
  const int ports = sprays(network) ? spreading_.channels(network) : 1;
  const int first = egress_[ring].turn;
  for (int i = 0; i < ports; ++i) {
    pump_egress(now, ring + static_cast<std::size_t>((first + i) % ports));
  }
}

void CellFabric::pump_egress(Picoseconds now, std::size_t port) {
  const auto network = static_cast<int>(port / channels_ / ranks_);
  const auto channel = static_cast<int>(port % channels_);
  const std::size_t ring = sprays(network) ? port - static_cast<std::size_t>(channel) : port;
  std::vector<std::uint32_t> shunned;
  while (egress_[port].free <= now && !egress_[ring].idle()) {
    NodeQueue& queue = egress_[ring].granted.empty() ? egress_[ring].ring : egress_[ring].granted;
    const std::uint32_t flow = queue.pop(flows_);
    if (!faults_.quiet() && sprays(network) && shuns_port(now, flow, port)) {
      shunned.push_back(flow);
      continue;
    }
    const Item& front = items_[flows_[flow].items.front()];
    const Spreading::Passage passage =
        spreading_.passage(route_of(front), topology_.path(front.path), channel, now);
    if (!faults_.quiet() && leaves_port(now, flow, passage)) continue;
    if (!take_credit(now, flow)) continue;
    if (sprays(network)) egress_[ring].turn = (channel + 1) % spreading_.channels(network);
    send_cell(now, flow, port, passage);
    if (flows_[flow].items.empty()) {
      flows_[flow].active = false;
    } else {
      egress_[ring].ring.push(flows_, flow);
    }
  }
  for (const std::uint32_t flow : shunned) egress_[ring].ring.push(flows_, flow);
  if (egress_[port].free > now && !egress_[ring].idle() && !egress_[port].wake_scheduled) {
    egress_[port].wake_scheduled = true;
    queue_.schedule(egress_[port].free, *this,
                    std::uint64_t{static_cast<std::size_t>(Stage::kEgressFree)} << 32 | port);
  }
}

bool CellFabric::take_credit(Picoseconds now, std::uint32_t number) {
  Flow& flow = flows_[number];
  if (flow.granted) {
    flow.granted = false;
    return true;
  }
  const Item& front = items_[flow.items.front()];
  const std::size_t index = pool_index(topology_.path(front.path).network, front.to);
  CreditPool& pool = credits_[index];
  if (pool.take(now)) return true;
  pool.wait(flows_, number);
  pool.schedule_wake(queue_, *this,
                     std::uint64_t{static_cast<std::size_t>(Stage::kCredit)} << 32 | index);
  return false;
}

void CellFabric::send_cell(Picoseconds now, std::uint32_t flow, std::size_t port,
                           const Spreading::Passage& passage) {
  const std::uint32_t row = flows_[flow].items.front();
  std::uint32_t id = row;
  if (items_[row].bytes > cell_bytes_) {
    Item first = items_[row];
    first.bytes = cell_bytes_;
    id = items_.acquire(first);
    items_[row].bytes -= cell_bytes_;
  } else {
    flows_[flow].items.pop(items_);
  }
  Item& cell = items_[id];
  cell.channel = static_cast<std::int16_t>(port % channels_);
  const FabricPath& path = topology_.path(cell.path);
  egress_[port].free = now + passage.egress.time(cell.bytes);
  const Picoseconds left = now + passage.flow.time(cell.bytes);
  if (!faults_.quiet() && fails(now, id, passage, left + path.flight)) return;

  Job& job = jobs_[cell.job];
  job.left = std::max(job.left, left);
  const bool last = --job.cells_to_leave == 0 && !job.lost;
  const std::uint64_t tag = job.tag;
  const Picoseconds all_left = job.left;
  const bool trunk = trunks_.between(route_of(cell));
  const Picoseconds flight = trunk ? path.to_trunk() : path.flight;
  cell.tail = left + flight;
  wait(trunk ? Stage::kUp : Stage::kIngress, static_cast<std::size_t>(cell.from), now + flight, id);
  if (last) sink_.left(tag, all_left);
}

bool CellFabric::shuns_port(Picoseconds now, std::uint32_t flow, std::size_t port) const {
  const FaultSchedule::Route route = route_of(items_[flows_[flow].items.front()]);
  const PlaneSet usable = faults_.usable(route, now);
  return usable != 0 && (usable >> (port % channels_) & 1) == 0;
}

bool CellFabric::leaves_port(Picoseconds now, std::uint32_t number,
                             const Spreading::Passage& passage) {
  const FaultSchedule::Route route = route_of(items_[flows_[number].items.front()]);
  const PlaneSet usable = faults_.usable(route, now);
  const bool reachable = usable != 0 && faults_.reachable(route, now);
  if (reachable && (usable & passage.planes) != 0) return false;

  // The rows go to where they would go now. Their flow is another one: this channel is not chosen.
  NodeQueue rows = flows_[number].items;
  flows_[number].items = {};
  flows_[number].active = false;
  if (flows_[number].granted) {
    flows_[number].granted = false;
    return_credit(now, route.network, route.to);
  }
  while (!rows.empty()) {
    const std::uint32_t id = rows.pop(items_);
    if (reachable) {
      enqueue(now, id);
    } else {
      lose(now, id);
    }
  }
  return true;
}

bool CellFabric::fails(Picoseconds now, std::uint32_t id, const Spreading::Passage& passage,
                       Picoseconds until) {
  const Item& cell = items_[id];
  const FaultSchedule::Route route = route_of(cell);
  // On a summed port cells take the planes in turn.
  PlaneSet plane = passage.planes;
  for (auto skip = numbered_++ % static_cast<std::uint64_t>(std::popcount(plane)); skip > 0;
       --skip) {
    plane &= plane - 1;
  }
  plane &= ~plane + 1;
  const std::vector<FaultSchedule::Loss> losses = faults_.losses(route, plane, now, until);
  if (losses.empty()) return false;
  const Picoseconds detected = losses.front().detected;
  queue_.schedule(detected, *this,
                  std::uint64_t{static_cast<std::size_t>(Stage::kRetry)} << 32 | id);
  return_credit(detected, route.network, cell.to);
  return true;
}

void CellFabric::retry(Picoseconds now, std::uint32_t id) {
  if (!faults_.reachable(route_of(items_[id]), now)) return lose(now, id);
  enqueue(now, id);
}

void CellFabric::lose(Picoseconds when, std::uint32_t id) {
  const Item item = items_[id];
  items_.release(id);
  const std::uint64_t lost = cells(item.bytes);
  Job& job = jobs_[item.job];
  job.lost = true;
  job.cells_to_leave -= lost;
  job.cells_to_arrive -= lost;
  job.arrived = std::max(job.arrived, when);
  if (job.cells_to_arrive == 0) close(item.job);
}

}  // namespace tutti::ub
