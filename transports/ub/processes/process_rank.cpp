#include "transports/ub/processes/process_rank.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "transports/ub/processes/world_address.hpp"

namespace tutti::ub {

namespace {

constinit ProcessRank* the_rank = nullptr;

// Before main, so that nothing of the program has asked for the time or made a thread. Reads two
// variables; everything else waits for the first call.
[[gnu::constructor(102)]] void become_rank() noexcept {
  const char* const world = std::getenv(wire::kWorldVariable);
  if (world == nullptr || *world == '\0') return;
  try {
    the_rank = new ProcessRank(world);
    the_rank->become();
  } catch (const std::exception&) {
    return;  // no memory: there is no rank then, and the first call says so
  }
}

// What is left of a process that exits - hundreds of megabytes of page tables among hundreds of
// ranks - goes while others have their turns. Where it ends otherwise, it is seen to have ended.
[[gnu::destructor(102)]] void leave_rank() noexcept {
  if (the_rank != nullptr) the_rank->leave();
}

class ProcessBootstrap final : public Bootstrap {
 public:
  ProcessBootstrap(std::uint32_t number, int ranks, Rank rank)
      : number_(number), ranks_(ranks), rank_(rank) {}
  ~ProcessBootstrap() override {
    try {
      ProcessRank::of_caller().lane().queue(wire::Leave{.bootstrap = number_});
    } catch (const Error&) {
      return;  // of a thread or child that has no part in the simulation
    }
  }

  Rank rank() const noexcept override { return rank_; }
  int ranks() const noexcept override { return ranks_; }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    check_all_gather(*this, mine, all);
    ProcessRank::of_caller().lane().call(
        wire::AllGather{.bootstrap = number_,
                        .mine = reinterpret_cast<std::uintptr_t>(mine.data()),
                        .mine_bytes = mine.size(),
                        .all = reinterpret_cast<std::uintptr_t>(all.data()),
                        .all_bytes = all.size()});
  }

 private:
  std::uint32_t number_;
  int ranks_;
  Rank rank_;
};

}  // namespace

tuttiUniqueId ProcessMeetings::host() {
  return ProcessRank::of_caller().lane().call(wire::HostMeeting{}).id;
}

std::unique_ptr<Bootstrap> ProcessMeetings::join(const tuttiUniqueId& id, int ranks, Rank rank,
                                                 Nanoseconds timeout) {
  const auto joined = ProcessRank::of_caller().lane().call(
      wire::JoinMeeting{.id = id, .ranks = ranks, .rank = rank, .timeout_ns = timeout.count()});
  return std::make_unique<ProcessBootstrap>(joined.number, ranks, rank);
}

ProcessRank* ProcessRank::if_any() noexcept {
  FibreHost* const host = current_context().host;
  return host != nullptr && host == the_rank ? the_rank : nullptr;
}

ProcessRank& ProcessRank::of_caller() {
  if (ProcessRank* const rank = if_any()) return *rank;
  fail(tuttiInvalidUsage,
       "a thread that Tutti did not start calls in a process that is a simulated rank: only its "
       "first thread and Tutti's streams have a virtual time");
}

ProcessRank::ProcessRank(std::string world) : address_(std::move(world)) {}

void ProcessRank::become() noexcept {
  current_context().host = this;
  Heap::come_from(&own_heap);
}

void ProcessRank::leave() noexcept {
  ThreadContext& context = current_context();
  const bool first = first_ != nullptr && context.lane == first_.get();
  if (!first || generation_ != process_generation()) return;
  if (process_->live.load(std::memory_order_relaxed) > 1) return;  // a stream may be under way
  first_->lane.finish();
  context.lane = nullptr;
  context.host = nullptr;
}

HeapPlace ProcessRank::own_heap() {
  ProcessRank& self = of_caller();
  static_cast<void>(self.lane());  // attached
  const auto rank = static_cast<std::size_t>(self.rank_);
  return {.file = open_shared(self.heaps_file_),
          .offset = rank * self.heap_stride_,
          .base = self.heap(self.rank_),
          .reserve = self.heap_reserve_};
}

ClientLane& ProcessRank::lane() {
  if (generation_ != process_generation()) [[unlikely]] {
    fail(tuttiInvalidUsage,
         "this process was forked from a simulated rank, whose place in the simulation it does "
         "not have");
  }
  if (current_context().lane == nullptr) [[unlikely]] {
    static_cast<void>(of_caller());
    attach();
  }
  return static_cast<Thread*>(current_context().lane)->lane;
}

void ProcessRank::attach() {
  const WorldAddress address = decode_world(address_);
  const Descriptor file = open_shared(address.file);
  const Mapping head = Mapping::shared(file.get(), 0, sizeof(wire::World), {}, "a simulation");
  const auto& world = *reinterpret_cast<const wire::World*>(head.data());
  if (world.magic != wire::kMagic || world.version != TUTTI_VERSION_CODE) {
    fail(tuttiInvalidUsage,
         "the simulation in {} was started by tutti-run of another version than this library",
         wire::kWorldVariable);
  }
  if (address.rank < 0 || address.rank >= world.ranks) {
    fail(tuttiInvalidUsage, "{}='{}': rank {} of {}", wire::kWorldVariable, address_, address.rank,
         world.ranks);
  }
  Mapping own =
      Mapping::shared(file.get(), wire::offset_of_process(static_cast<std::size_t>(address.rank)),
                      wire::kProcessBytes, {.reserve_only = true}, "a simulation");
  auto& process = *reinterpret_cast<wire::Process*>(own.data());
  std::int32_t nobody = 0;
  if (!process.pid.compare_exchange_strong(nobody, ::getpid())) {
    fail(tuttiInvalidUsage, "process {} is rank {} of the simulation already", nobody,
         address.rank);
  }
  constexpr std::size_t kLarge = std::size_t{2} << 20;
  heaps_file_ = world.heaps;
  heap_stride_ = world.heap_stride;
  heap_reserve_ = world.heap_reserve;
  records_ = world.records != 0;
  const Descriptor heaps = open_shared(world.heaps);
  heaps_ = Mapping::shared(
      heaps.get(), 0, world.heaps.bytes,
      {.reserve_only = true, .alignment = kLarge, .sparse_behind = world.hollow_reserve},
      "the heaps of simulated ranks");
  if (world.hollow_reserve > 0) {
    hollow_.emplace(Heap::Hollow(), heaps_.data() + world.heaps.bytes, world.hollow_reserve);
  }
  rank_ = address.rank;
  world_inode_ = address.file.inode;
  mapping_ = std::move(own);
  lanes_ = reinterpret_cast<wire::Lane*>(mapping_.data() + sizeof(wire::Process));
  first_ = std::make_unique<Thread>(Thread{.lane = ClientLane(process, lanes_[0])});
  current_context().lane = first_.get();
  current_context().log_rank = rank_;
  process_ = &process;
  const std::uint64_t word = wire::kMagic;
  first_->fibre =
      first_->lane.call(wire::Attach{.probe = reinterpret_cast<std::uintptr_t>(&word)}).fibre;
}

Picoseconds ProcessRank::exact_now() noexcept {
  try {
    lane().settle();
  } catch (const std::exception&) {
    return process_ != nullptr ? Picoseconds(process_->now_ps) : Picoseconds(0);
  }
  return Picoseconds(process_->now_ps);
}

FibreHost::Fibre ProcessRank::current() {
  static_cast<void>(lane());
  return static_cast<Thread*>(current_context().lane)->fibre;
}

void ProcessRank::park(Nanoseconds deadline, std::string_view what) {
  lane().call(wire::Park{.deadline_ns = deadline.count(),
                         .text_bytes = static_cast<std::uint32_t>(what.size())},
              std::as_bytes(std::span(what)));
}

void ProcessRank::pass(Nanoseconds time) { lane().call(wire::Pass{.ns = time.count()}); }

void ProcessRank::wake(Fibre fibre) { lane().queue(wire::Wake{.fibre = fibre}); }

void ProcessRank::compute(Picoseconds time) { lane().queue(wire::Compute{.ps = time.count()}); }

Heap* ProcessRank::hollow_heap() noexcept {
  try {
    static_cast<void>(lane());  // attached
    return hollow_ ? &*hollow_ : nullptr;
  } catch (const std::exception&) {
    return nullptr;  // the call itself says what is wrong
  }
}

bool ProcessRank::listens() noexcept {
  try {
    static_cast<void>(lane());  // attached
    return records_;
  } catch (const std::exception&) {
    return false;  // the call itself says what is wrong
  }
}

void ProcessRank::call_begins(const CallFacts& facts) {
  constexpr std::size_t kMostName = 4096;
  const std::string_view communicator = facts.communicator.substr(0, kMostName);
  const std::string texts = std::string(facts.kind).append(communicator).append(facts.algorithm);
  lane().tell(
      wire::CallBegins{.bytes = facts.bytes,
                       .sequence = facts.sequence,
                       .ranks = facts.ranks,
                       .kind_bytes = static_cast<std::uint32_t>(facts.kind.size()),
                       .communicator_bytes = static_cast<std::uint32_t>(communicator.size()),
                       .algorithm_bytes = static_cast<std::uint32_t>(facts.algorithm.size())},
      std::as_bytes(std::span(texts)));
}

void ProcessRank::call_ends() noexcept {
  try {
    lane().tell(wire::CallEnds{});
  } catch (const std::exception&) {
    return;  // of a child that was forked in the call
  }
}

void ProcessRank::experts_received(std::span<const int> experts,
                                   std::span<const std::int64_t> rows) {
  constexpr std::size_t kAtOnce = 1024;
  std::vector<wire::ExpertRows> list;
  for (std::size_t at = 0; at < experts.size(); at += kAtOnce) {
    list.clear();
    for (std::size_t i = at; i < std::min(experts.size(), at + kAtOnce); ++i) {
      list.push_back({.expert = experts[i], .rows = rows[i]});
    }
    lane().tell(wire::Experts{.count = list.size()}, std::as_bytes(std::span(list)));
  }
}

FibreHost::Fibre ProcessRank::spawn(std::function<void()> body) {
  ClientLane& own = lane();
  // The thread first: where there is none, the simulation is not asked.
  std::promise<wire::Spawned> place;
  std::thread thread([this, coming = place.get_future(), run = std::move(body),
                      log_rank = current_context().log_rank]() mutable {
    const wire::Spawned spawned = coming.get();
    if (spawned.fibre == 0) return;
    Thread self{.lane = ClientLane(*process_, lanes_[spawned.lane]), .fibre = spawned.fibre};
    ThreadContext& context = current_context();
    context.host = this;
    context.lane = &self;
    context.log_rank = log_rank;
    self.lane.await_turn();
    run();
    run = nullptr;  // what it holds goes in its own turn
    self.lane.finish();
    context.host = nullptr;
  });
  wire::Spawned spawned{};
  try {
    spawned = own.call(wire::Spawn{});
  } catch (...) {
    place.set_value(spawned);
    thread.join();
    throw;
  }
  place.set_value(spawned);
  threads_.emplace(spawned.fibre, std::move(thread));
  return spawned.fibre;
}

void ProcessRank::join(Fibre fibre) {
  lane().call(wire::JoinFibre{.fibre = fibre});
  if (auto thread = threads_.extract(fibre)) thread.mapped().join();
}

}  // namespace tutti::ub
