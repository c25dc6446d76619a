#include "transports/ub/model/message_fabric.hpp"

#include <algorithm>

namespace tutti::ub {

MessageFabric::MessageFabric(const Topology& topology, const FabricOptions& options,
                             ModelEvents& queue, TransferSink& sink)
    : topology_(topology),
      queue_(queue),
      sink_(sink),
      probe_(options.probe),
      faults_(topology, options.faults, options.seed),
      spreading_(topology, faults_, options),
      issue_(topology, faults_),
      ranks_(static_cast<std::size_t>(topology.ranks())),
      networks_(topology.profile().networks.size()),
      channels_(static_cast<std::size_t>(spreading_.most_channels())),
      trunks_(topology, faults_, spreading_),
      ports_(kPortKinds * networks_ * ranks_ * channels_),
      local_(topology, sink),
      latest_write_(networks_ * ranks_),
      reads_coming_(networks_ * ranks_),
      no_read_before_(networks_, Picoseconds(kLongestTime)),
      messages_(ranks_),
      lines_((kRankStages * ranks_ * channels_ + kTrunkStages * trunks_.ports()) *
                 static_cast<std::size_t>(topology.paths()),
             messages_, queue, *this),
      approach_(queue, *this) {
  std::vector<Picoseconds> shortest(networks_, Picoseconds(kLongestTime));
  for (int path = 0; path < topology.paths(); ++path) {
    int lane = path % kDirections;
    while (topology.path(lane).network != topology.path(path).network) lane += kDirections;
    const bool writes = path % kDirections == static_cast<int>(Direction::kWrite);
    ready_lane_.push_back(writes ? lane : path);
    const FabricPath& way = topology.path(path);
    if (way.network < 0) continue;
    const auto network = static_cast<std::size_t>(way.network);
    const Picoseconds last = trunks_.ports() > 0 ? way.behind_trunk(false) : way.flight;
    shortest[network] = std::min(shortest[network], last);
    if (!writes) no_read_before_[network] = std::min(no_read_before_[network], way.before_port);
  }
  for (const Picoseconds flight : shortest) approach_.add_ports(ranks_, flight);
}

void MessageFabric::start(Picoseconds at, const Transfer& transfer) {
  check_transfer(topology_, transfer);
  const int path_index =
      Topology::path_index(topology_.hop(transfer.rank, transfer.peer), transfer.direction);
  const FabricPath& path = topology_.path(path_index);
  const IssueSlots::Issue issue = issue_.take(transfer.rank, at, transfer.rows);
  if (probe_ != nullptr) probe_->issued(transfer.tag, issue.first, issue.last);
  if (path.network < 0) return local_.start(issue.first, transfer, path);

  const bool reads = transfer.direction == Direction::kRead;
  Picoseconds ready = issue.first + path.before_port;
  if (reads) {
    ++reads_coming_[row_of(path.network, transfer.peer)];
  } else {
    Picoseconds& latest = latest_write_[row_of(path.network, transfer.rank)];
    ready = latest = std::max(latest, ready);
  }
  const auto owner = static_cast<std::size_t>(transfer.rank);
  const std::uint32_t id = messages_.acquire({.tail = issue.last + path.before_port,
                                              .tag = transfer.tag,
                                              .bytes = transfer.bytes,
                                              .from = reads ? transfer.peer : transfer.rank,
                                              .to = reads ? transfer.rank : transfer.peer,
                                              .rows = transfer.rows,
                                              .path = static_cast<std::int16_t>(path_index)},
                                             owner);
  wait(Stage::kReady, owner, ready, id);
}

void MessageFabric::wait(Stage stage, std::size_t owner, Picoseconds time, std::uint32_t id) {
  const Message& message = messages_[id];
  const auto number = static_cast<std::size_t>(stage);
  const std::size_t row =
      number < kRankStages
          ? (number * ranks_ + owner) * channels_ + static_cast<std::size_t>(message.channel)
          : kRankStages * ranks_ * channels_ + (number - kRankStages) * trunks_.ports() + owner;
  const std::size_t line =
      row * static_cast<std::size_t>(topology_.paths()) +
      static_cast<std::size_t>(stage == Stage::kReady
                                   ? ready_lane_[static_cast<std::size_t>(message.path)]
                                   : message.path);
  lines_.push(line, time, id, token_of(number, line));
}

void MessageFabric::fire(Picoseconds now, std::uint64_t token) {
  const auto stage = stage_of<Stage>(token);
  const auto number = static_cast<std::uint32_t>(token);
  switch (stage) {
    case Stage::kReady:
      return leave_in_row(now, number, token);
    case Stage::kUp:
    case Stage::kDown:
      return cross(now, lines_.pop(number, token), stage);
    case Stage::kFlight:
    case Stage::kBehindTrunk: {
      const std::uint32_t id = lines_.pop(number, token);
      return approach(now + approach_.lead(port_of(messages_[id])), id);
    }
    case Stage::kIngress:
      return arrive_in_row(now, number, token);
    case Stage::kReplay:
      return leave(now, number);
  }
}

void MessageFabric::prepare(std::uint64_t token, int pass) const noexcept {
  const auto stage = stage_of<Stage>(token);
  const auto number = static_cast<std::uint32_t>(token);
  if (stage == Stage::kReplay) return;
  if (stage == Stage::kIngress) {
    if (pass < 2) return approach_.prefetch(number, pass);
    if (const Approach::Head* const head = approach_.any_head(number)) {
      __builtin_prefetch(&messages_[head->message], 1);
    }
    return;
  }
  if (pass == 0) __builtin_prefetch(&messages_[lines_.front(number)], 1);
}

void MessageFabric::leave(Picoseconds now, std::uint32_t id) {
  Message& message = messages_[id];
  const FabricPath& path = topology_.path(message.path);
  const FaultSchedule::Route route = route_of(message);
  const std::uint64_t number = numbered_++;
  const int channel =
      spreading_.choose(route, number, &port(Port::kEgress, route.network, message.from, 0), now);
  if (channel < 0) return lose(now, id);
  message.channel = static_cast<std::int16_t>(channel);
  message.link =
      static_cast<std::int16_t>(trunks_.choose(route, number, channel, message.bytes, now));

  Picoseconds& egress = port(Port::kEgress, route.network, message.from, channel);
  const Picoseconds start = std::max(now, egress);
  const Spreading::Passage passage = passage_of(message, start);
  if (!faults_.quiet()) {
    if (passage.planes == 0 || !faults_.reachable(route, start)) return lose(start, id);
    // One summed port looks at the planes when it starts; a channel was chosen now.
    const Picoseconds decided = spreading_.channels(route.network) == 1 ? start : now;
    if (replay_losses(id, passage, decided, start)) return;
  }
  Message& rest = messages_[id];  // replay_losses() may have moved it
  const Picoseconds flow = passage.flow.time(rest.bytes);
  take(egress, now, passage.egress.time(rest.bytes));
  rest.tail = std::max(start + flow, rest.rows == 1
                                         ? Picoseconds::zero()
                                         : rest.tail + passage.flow.time(rest.bytes / rest.rows));
  const std::uint64_t tag = rest.tag;
  const Picoseconds left = rest.tail;
  const bool whole = rest.ticket == kNone;
  const bool trunk = trunks_.between(route);
  const Picoseconds flight = trunk ? path.to_trunk() : path.flight;
  rest.tail += flight;
  const auto owner = static_cast<std::size_t>(rest.from);
  if (trunk) {
    wait(Stage::kUp, owner, start + flight, id);
  } else {
    fly(Stage::kFlight, owner, start + flight, id, now);
  }
  if (!whole) return;
  if (probe_ != nullptr) probe_->took_egress(tag, start);
  sink_.left(tag, left);
}

// The front of a ready line, and those writes behind it that nothing can come before at their
// egress port: no read is on its way there, and none that starts from now on gets there sooner.
// Where planes or links are chosen by what happens elsewhere, each has its own time.
void MessageFabric::leave_in_row(Picoseconds now, std::size_t line, std::uint64_t token) {
  std::uint32_t id = lines_.take(line);
  const FaultSchedule::Route route = route_of(messages_[id]);
  std::uint32_t& reads_coming = reads_coming_[row_of(route.network, route.from)];
  std::size_t leaving = 1;
  if (reads(messages_[id])) {
    --reads_coming;
  } else if (reads_coming == 0 && faults_.quiet() && spreading_.channels(route.network) == 1) {
    const Picoseconds until = now + no_read_before_[static_cast<std::size_t>(route.network)];
    const auto leaves_too = [&](std::uint32_t next) {
      return next != kNone && messages_[next].time < until &&
             !trunks_.between(route_of(messages_[next]));
    };
    for (; leaves_too(lines_.next(line)); ++leaving) lines_.take(line);
  }
  // The line is in order before the sink hears anything, and may start the next one. What was taken
  // is still linked.
  lines_.go_on(line, token);
  while (leaving-- > 0) {
    const std::uint32_t next = messages_[id].next;
    leave(messages_[id].time, id);
    id = next;
  }
}

void MessageFabric::cross(Picoseconds now, std::uint32_t id, Stage stage) {
  Message& message = messages_[id];
  const FaultSchedule::Route route = route_of(message);
  const FabricPath& path = topology_.path(message.path);
  const bool up = stage == Stage::kUp;
  const int node = topology_.node_of(up ? message.from : message.to);
  const std::size_t port = trunks_.port(route.network, node, message.channel, message.link);
  const Trunks::Crossing crossing = up ? trunks_.up(route, port, message.bytes, now)
                                       : trunks_.down(route, port, message.bytes, now);
  const Picoseconds head = trunks_.passes_heads(route.network) ? now : crossing.start;
  const Picoseconds onward = path.behind_trunk(up);
  message.tail = std::max(message.tail, crossing.end) + onward;
  if (up) return wait(Stage::kDown, port, head + onward, id);
  fly(Stage::kBehindTrunk, port, head + onward, id, now);
}

// A port looks at all that approaches it, so that is not much.
void MessageFabric::fly(Stage stage, std::size_t owner, Picoseconds time, std::uint32_t id,
                        Picoseconds now) {
  const Picoseconds lead = approach_.lead(port_of(messages_[id]));
  if (time - now <= 2 * lead) return approach(time, id);
  wait(stage, owner, time - lead, id);
}

void MessageFabric::approach(Picoseconds time, std::uint32_t id) {
  const std::size_t port = port_of(messages_[id]);
  approach_.push(port, {.time = time, .message = id},
                 token_of(static_cast<std::size_t>(Stage::kIngress), port));
}

// A few ahead, the message is fetched, and then what the sink needs for it.
void MessageFabric::arrive_in_row(Picoseconds now, std::size_t port, std::uint64_t token) {
  constexpr std::size_t kMessageAhead = 8;
  constexpr std::size_t kSinkAhead[] = {4, 2};  // [pass]
  const std::span<const Approach::Head> heads = approach_.take(port, now, token);
  const auto fetch = [&](std::size_t i) { __builtin_prefetch(&messages_[heads[i].message], 1); };
  for (std::size_t i = 0; i < std::min(kMessageAhead, heads.size()); ++i) fetch(i);
  for (std::size_t i = 0; i < heads.size(); ++i) {
    if (i + kMessageAhead < heads.size()) fetch(i + kMessageAhead);
    for (const int pass : {0, 1}) {
      const std::size_t later = i + kSinkAhead[pass];
      if (later >= heads.size()) continue;
      const Message& message = messages_[heads[later].message];
      if (message.ticket == kNone) sink_.prepare(message.tag, pass);
    }
    arrive(heads[i].time, heads[i].message);
  }
}

void MessageFabric::arrive(Picoseconds when, std::uint32_t id) {
  const Message& message = messages_[id];
  const int network = topology_.path(message.path).network;
  const Picoseconds busy = passage_of(message, when).ingress.time(message.bytes);
  const Picoseconds start =
      take(port(Port::kIngress, network, message.to, message.channel), when, busy);
  const Picoseconds arrived = std::max(message.tail, start + busy);
  const std::uint64_t tag = message.tag;
  const std::uint32_t ticket = message.ticket;
  messages_.release(id);
  if (ticket != kNone) return close_part(ticket, arrived, false);
  if (probe_ != nullptr) probe_->took_ingress(tag, start, start + busy);
  sink_.arrived(tag, arrived);
}

void MessageFabric::lose(Picoseconds when, std::uint32_t id) {
  const std::uint64_t tag = messages_[id].tag;
  const std::uint32_t ticket = messages_[id].ticket;
  messages_.release(id);
  if (ticket != kNone) return close_part(ticket, when, true);
  sink_.lost(tag, when);
}

bool MessageFabric::replay_losses(std::uint32_t id, const Spreading::Passage& passage,
                                  Picoseconds decided, Picoseconds start) {
  const Message message = messages_[id];
  const FaultSchedule::Route route = route_of(message);
  const Picoseconds until = std::max(message.tail, start + passage.flow.time(message.bytes)) +
                            topology_.path(message.path).flight;
  for (const FaultSchedule::Loss& loss : faults_.losses(route, passage.planes, decided, until)) {
    if (loss.planes == 0) {
      lose(loss.detected, id);
      return true;
    }
    if (messages_[id].ticket == kNone) {
      messages_[id].ticket = tickets_.acquire({.parts = 1, .tag = message.tag});
    }
    const std::uint32_t ticket = messages_[id].ticket;
    const std::uint64_t bytes =
        std::min(messages_[id].bytes,
                 spreading_.share(route, loss.planes, passage.planes, message.bytes, start));
    Message replay = message;
    replay.bytes = bytes;
    replay.rows = 1;
    replay.ticket = ticket;
    ++tickets_[ticket].parts;
    const std::uint32_t again = messages_.acquire(replay, static_cast<std::size_t>(replay.from));
    messages_[id].bytes -= bytes;
    queue_.schedule(loss.detected, *this,
                    token_of(static_cast<std::size_t>(Stage::kReplay), again));
  }
  return false;
}

void MessageFabric::close_part(std::uint32_t id, Picoseconds when, bool lost) {
  Ticket& ticket = tickets_[id];
  ticket.latest = std::max(ticket.latest, when);
  ticket.lost |= lost;
  if (--ticket.parts > 0) return;
  const Ticket closed = ticket;
  tickets_.release(id);
  if (closed.lost) return sink_.lost(closed.tag, closed.latest);
  sink_.left(closed.tag, closed.latest);
  sink_.arrived(closed.tag, closed.latest);
}

}  // namespace tutti::ub
