// What a rank that is another process calls.
#include <string>
#include <utility>

#include "answer.hpp"
#include "base/call_watcher.hpp"
#include "base/error.hpp"
#include "bootstrap/memory_meetings.hpp"
#include "served_rank.hpp"

namespace tutti::launcher {

namespace wire = ub::wire;

namespace {

template <typename Body>
Body body_at(const std::byte* bytes) noexcept {
  Body body;
  std::memcpy(&body, bytes, sizeof(body));
  return body;
}

}  // namespace

template <typename T>
std::vector<T> ServedRank::list_at(std::uint64_t address, std::uint64_t count) const {
  std::vector<T> list(count);
  memory().read(address, std::as_writable_bytes(std::span(list)));
  return list;
}

ServedRank::Transport& ServedRank::transport(std::uint32_t number) {
  const auto found = transports_.find(number);
  if (found == transports_.end()) {
    fail(tuttiInternalError, "rank {} has no transport {}", rank_, number);
  }
  return *found->second;
}

ServedWindow& ServedRank::window(std::uint32_t number, wire::Where where) {
  Transport& its = transport(number);
  return where == wire::Where::kControl ? its.control
         : where == wire::Where::kHeap  ? its.heap
                                        : its.process;
}

void ServedRank::carry_out(const wire::Command& command, const std::byte* bytes, Answer& answer) {
  using wire::Op;
  const auto on = [&]<typename Body>(void (ServedRank::*call)(const Body&)) {
    (this->*call)(body_at<Body>(bytes));
  };
  ub::Simulation& simulation = world_.simulation();
  switch (command.op) {
    case Op::kPost: {
      const auto post = body_at<wire::Post>(bytes);
      LineContent content;
      std::memcpy(content.payload, post.payload, sizeof(content.payload));
      content.stamp = post.stamp;
      return transport(post.transport).port->post(post.peer, post.line, post.value, content);
    }
    case Op::kBeginPosts:
      return transport(body_at<wire::BeginPosts>(bytes).transport).port->begin_posts();
    case Op::kEndPosts:
      return transport(body_at<wire::EndPosts>(bytes).transport).port->end_posts();
    case Op::kPut:
      return put(body_at<wire::Put>(bytes), bytes + sizeof(wire::Put));
    case Op::kCommit: {
      const auto commit = body_at<wire::Commit>(bytes);
      return window(commit.transport, commit.where).commit_for(commit);
    }
    case Op::kCharge: {
      const auto charge = body_at<wire::Charge>(bytes);
      return transport(charge.transport)
          .port->charge(LocalWork{.kind = static_cast<LocalWork::Kind>(charge.kind),
                                  .count = charge.count,
                                  .bytes = charge.bytes});
    }
    case Op::kCompute:
      return simulation.compute(ub::Picoseconds(body_at<wire::Compute>(bytes).ps));
    case Op::kAdvance:
      return simulation.scheduler().advance(ub::Picoseconds(body_at<wire::Advance>(bytes).ps));
    case Op::kWake:
      return host().wake(body_at<wire::Wake>(bytes).fibre);
    case Op::kLeave:
      bootstraps_.erase(body_at<wire::Leave>(bytes).bootstrap);
      return;
    case Op::kCallBegins:
      return call_begins(body_at<wire::CallBegins>(bytes), bytes + sizeof(wire::CallBegins));
    case Op::kCallEnds:
      if (CallWatcher* const watcher = CallWatcher::current()) watcher->call_ends();
      return;
    case Op::kExperts:
      return experts(body_at<wire::Experts>(bytes), bytes + sizeof(wire::Experts));
    case Op::kSettle:
    case Op::kFinish:
      return;
    case Op::kAttach:
      return attach(body_at<wire::Attach>(bytes), answer);
    case Op::kHostMeeting:
      return answer.give(wire::MeetingId{simulation.meetings().host()});
    case Op::kJoinMeeting: {
      const auto join = body_at<wire::JoinMeeting>(bytes);
      bootstraps_[++numbers_] =
          simulation.meetings().join(join.id, join.ranks, join.rank, Nanoseconds(join.timeout_ns));
      return answer.give(wire::Number{numbers_});
    }
    case Op::kAllGather:
      return on(&ServedRank::all_gather);
    case Op::kMakeRoster:
      return make_roster(body_at<wire::MakeRoster>(bytes), bytes + sizeof(wire::MakeRoster),
                         answer);
    case Op::kOpenTransport:
      return open_transport(body_at<wire::OpenTransport>(bytes), answer);
    case Op::kCloseTransport:
      return on(&ServedRank::close_transport);
    case Op::kOpenControl:
      return open_control(body_at<wire::OpenControl>(bytes), answer);
    case Op::kOpenHeap:
      return world_.memories()[static_cast<std::size_t>(rank_)].open_heap(
          body_at<wire::OpenHeap>(bytes).address);
    case Op::kCosts:
      return costs(body_at<wire::Costs>(bytes), answer);
    case Op::kStates: {
      const auto asked = body_at<wire::States>(bytes);
      const Transport& its = transport(asked.transport);
      std::vector<PeerState> states;
      states.reserve(static_cast<std::size_t>(its.port->roster().ranks()));
      for (Rank peer = 0; peer < its.port->roster().ranks(); ++peer) {
        states.push_back(its.bus.peer_state(peer));
      }
      return memory().write(asked.states, std::as_bytes(std::span(states)));
    }
    case Op::kFailure: {
      const Transport& its = transport(body_at<wire::Failure>(bytes).transport);
      return answer.give(wire::Known{its.bus.failure().has_value() ? 1U : 0U});
    }
    case Op::kThrowFailure: {
      const Transport& its = transport(body_at<wire::ThrowFailure>(bytes).transport);
      if (const auto failure = its.bus.failure()) throw Error(*failure);
      return;
    }
    case Op::kAbort:
      return abort(body_at<wire::Abort>(bytes), bytes + sizeof(wire::Abort));
    case Op::kPoll:
      return transport(body_at<wire::Poll>(bytes).transport).port->poll();
    case Op::kSleep:
      return on(&ServedRank::sleep);
    case Op::kFlush: {
      const auto flush = body_at<wire::Flush>(bytes);
      return transport(flush.transport).port->flush(flush.peer, Nanoseconds(flush.timeout_ns));
    }
    case Op::kView:
      return on(&ServedRank::view);
    case Op::kGet:
      return on(&ServedRank::get);
    case Op::kPark: {
      const auto park = body_at<wire::Park>(bytes);
      const std::string what(reinterpret_cast<const char*>(bytes + sizeof(park)), park.text_bytes);
      return host().park(Nanoseconds(park.deadline_ns), what);
    }
    case Op::kPass:
      return host().pass(Nanoseconds(body_at<wire::Pass>(bytes).ns));
    case Op::kSpawn:
      return spawn(answer);
    case Op::kJoinFibre:
      return host().join(body_at<wire::JoinFibre>(bytes).fibre);
  }
  fail(tuttiInternalError, "rank {} has sent command {}, which is none", rank_,
       static_cast<std::uint32_t>(command.op));
}

void ServedRank::call_begins(const wire::CallBegins& body, const std::byte* more) {
  CallWatcher* const watcher = CallWatcher::current();
  if (watcher == nullptr) return;
  CallFacts facts{.bytes = body.bytes, .ranks = body.ranks, .sequence = body.sequence};
  for (const auto& [text, bytes] : {std::pair{&facts.kind, body.kind_bytes},
                                    {&facts.communicator, body.communicator_bytes},
                                    {&facts.algorithm, body.algorithm_bytes}}) {
    *text = {reinterpret_cast<const char*>(more), bytes};
    more += bytes;
  }
  watcher->call_begins(facts);
}

void ServedRank::experts(const wire::Experts& body, const std::byte* more) {
  CallWatcher* const watcher = CallWatcher::current();
  if (watcher == nullptr) return;
  std::vector<int> experts;
  std::vector<std::int64_t> rows;
  for (std::uint64_t i = 0; i < body.count; ++i) {
    const auto entry = body_at<wire::ExpertRows>(more + i * sizeof(wire::ExpertRows));
    experts.push_back(static_cast<int>(entry.expert));
    rows.push_back(entry.rows);
  }
  watcher->experts_received(experts, rows);
}

void ServedRank::attach(const wire::Attach& body, Answer& answer) {
  const int pid = process_.pid.load(std::memory_order_acquire);
  world_.attached(rank_, pid);
  std::uint64_t word = 0;
  memory().read(body.probe, std::as_writable_bytes(std::span(&word, 1)));
  if (word != wire::kMagic) {
    fail(tuttiSystemError, "the memory of process {} does not show what it has", pid);
  }
  answer.give(wire::Attached{host().current()});
}

void ServedRank::all_gather(const wire::AllGather& body) {
  const auto found = bootstraps_.find(body.bootstrap);
  if (found == bootstraps_.end()) {
    fail(tuttiInternalError, "rank {} has no meeting {}", rank_, body.bootstrap);
  }
  const auto mine = list_at<std::byte>(body.mine, body.mine_bytes);
  std::vector<std::byte> all(body.all_bytes);
  found->second->all_gather(mine, all);
  memory().write(body.all, all);
}

void ServedRank::make_roster(const wire::MakeRoster& body, const std::byte* more, Answer& answer) {
  std::vector<int> places(body.count);
  std::memcpy(places.data(), more, places.size() * sizeof(int));
  const int ranks = world_.simulation().topology().ranks();
  for (const int place : places) {
    if (place < 0 || place >= ranks) fail(tuttiInternalError, "place {} of {}", place, ranks);
  }
  auto roster = std::make_shared<ub::Roster>(world_.simulation().courier(), std::move(places),
                                             /*shared=*/true);
  world_.simulation().adopt(roster);
  world_.rosters().push_back({.roster = std::move(roster)});
  answer.give(wire::Number{static_cast<std::uint32_t>(world_.rosters().size() - 1)});
}

void ServedRank::open_transport(const wire::OpenTransport& body, Answer& answer) {
  if (body.roster >= world_.rosters().size()) {
    fail(tuttiInternalError, "there is no roster {}", body.roster);
  }
  const auto& roster = world_.rosters()[body.roster].roster;
  if (body.rank < 0 || body.rank >= roster->ranks() || roster->place(body.rank) != rank_) {
    fail(tuttiInternalError, "rank {} is not rank {} of that communicator", rank_, body.rank);
  }
  const auto port = std::make_shared<ub::RankPort>(world_.simulation(), roster, body.rank);
  transports_[++numbers_] = std::make_unique<Transport>(port, world_.memories());
  transports_[numbers_]->roster = body.roster;
  ++world_.rosters()[body.roster].users;
  answer.give(wire::Opened{.transport = numbers_, .charges = port->charges() ? 1U : 0U});
}

void ServedRank::close_transport(const wire::CloseTransport& body) {
  Transport& its = transport(body.transport);
  // As in the destructor of a transport that an error destroys.
  if (body.by_error != 0) its.port->roster().drop_sources(its.port->rank());
  ServedRoster& shared = world_.rosters()[its.roster];
  transports_.erase(body.transport);
  if (--shared.users == 0 && shared.roster->has_control()) shared.roster->control().file().close();
}

void ServedRank::open_control(const wire::OpenControl& body, Answer& answer) {
  ub::Roster& roster = transport(body.transport).port->roster();
  roster.make_control(body.segment);
  ub::ControlMemory& memory = roster.control();
  answer.give(wire::ControlFile{.file = handle_of(memory.file()), .stride = memory.stride()});
}

void ServedRank::costs(const wire::Costs& body, Answer& answer) {
  const ub::RankPort& port = *transport(body.transport).port;
  const auto groups = port.roster().distances().groups();
  memory().write(body.groups, std::as_bytes(groups));
  answer.give(wire::KnownCosts{.facts = ub::CostFacts(port.courier().topology(), port.costs()),
                               .count = groups.size()});
}

void ServedRank::put(const wire::Put& body, const std::byte* more) {
  std::vector<wire::PutPiece> pieces(body.count);
  if (body.elsewhere != 0) {
    pieces = list_at<wire::PutPiece>(body.elsewhere, body.count);
  } else if (!pieces.empty()) {
    std::memcpy(pieces.data(), more, pieces.size() * sizeof(wire::PutPiece));
  }
  window(body.transport, body.where).put_for(body.peer, pieces);
}

void ServedRank::view(const wire::ViewOf& body) {
  auto pieces = list_at<wire::ViewPiece>(body.pieces, body.count);
  window(body.transport, body.where).view_for(pieces);
  memory().write(body.pieces, std::as_bytes(std::span(pieces)));
}

void ServedRank::get(const wire::Get& body) {
  const auto pieces = list_at<wire::FetchPiece>(body.pieces, body.count);
  window(body.transport, body.where).get_for(pieces);
}

void ServedRank::abort(const wire::Abort& body, const std::byte* more) {
  std::vector<int> culprits(body.head.culprits);
  if (!culprits.empty()) std::memcpy(culprits.data(), more, culprits.size() * sizeof(int));
  const std::string text(reinterpret_cast<const char*>(more + culprits.size() * sizeof(int)),
                         body.head.text_bytes);
  transport(body.transport)
      .bus.abort(Error(static_cast<tuttiResult_t>(body.code), text, std::move(culprits)));
}

void ServedRank::sleep(const wire::Sleep& body) {
  ub::RankPort& port = *transport(body.transport).port;
  ub::ControlMemory& memory = port.roster().control();
  if (body.bell >
      memory.stride() * static_cast<std::size_t>(port.roster().ranks()) - sizeof(Doorbell)) {
    fail(tuttiInternalError, "rank {} sleeps on what is no doorbell", rank_);
  }
  port.sleep(*reinterpret_cast<Doorbell*>(memory.segment(0) + body.bell), body.seen,
             Nanoseconds(body.timeout_ns));
}

void ServedRank::spawn(Answer& answer) {
  if (free_lanes_.empty()) {
    fail(tuttiInvalidUsage, "rank {} has {} streams, more are not simulated for a process", rank_,
         wire::kLanes - 1);
  }
  const std::uint32_t number = *free_lanes_.begin();
  wire::Lane& own = lane(number);
  own.used = 0;
  own.turn.store(wire::kOfSimulation, std::memory_order_relaxed);
  const FibreHost::Fibre fibre = host().spawn([this, number] { serve_stream(number); });
  free_lanes_.erase(number);
  process_.live.fetch_add(1, std::memory_order_relaxed);
  answer.give(wire::Spawned{.fibre = fibre, .lane = number});
}

}  // namespace tutti::launcher
