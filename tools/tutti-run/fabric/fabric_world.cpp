#include "fabric_world.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "memory/heap.hpp"
#include "transports/ub/processes/turn.hpp"
#include "transports/ub/processes/world_address.hpp"

namespace tutti::launcher {

namespace wire = ub::wire;

namespace {

// A process that is only between two calls comes back sooner than a sleeper is woken.
constexpr int kLooks = 300;
// How often a process that was not started by us is looked at, and whether the run is to stop.
constexpr Nanoseconds kSlice = std::chrono::milliseconds(50);
constexpr std::size_t kMostLines = 24;

// Of a text, not more than a screen.
std::string first_lines(const std::string& text) {
  std::size_t end = 0, lines = 0, left = 0;
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; ++at) {
    if (++lines == kMostLines) end = at;
    if (lines > kMostLines) ++left;
  }
  if (left == 0) return text;
  return fmt::format("{}\n  and {} more", text.substr(0, end), left + 1);
}

std::string in_us(ub::Picoseconds time) {
  return fmt::format("{}.{:06} us", time.count() / 1'000'000, time.count() % 1'000'000);
}

}  // namespace

FabricWorld::FabricWorld(ub::SimulationOptions options, api::Pictures pictures,
                         std::chrono::milliseconds silence)
    : options_(std::move(options)),
      pictures_(std::move(pictures)),
      ranks_(options_.placement.ranks),
      silence_(silence),
      over_(::eventfd(0, EFD_CLOEXEC)) {
  if (!over_) fail_system("eventfd");
  options_.watcher = this;
  std::promise<void> made;
  std::future<void> ready = made.get_future();
  thread_ = std::thread([this, done = std::move(made)]() mutable { run(std::move(done)); });
  try {
    ready.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

FabricWorld::~FabricWorld() {
  stopped_.store(true, std::memory_order_relaxed);
  if (!std::exchange(begun_, true)) begin_.set_value(false);
  if (thread_.joinable()) thread_.join();
}

std::string FabricWorld::address_for(Rank rank) const {
  return ub::encode_world({.file = handle_of(file_), .rank = rank});
}

void FabricWorld::begin(std::vector<pid_t> started) {
  started_ = std::move(started);
  begun_ = true;
  begin_.set_value(true);
}

void FabricWorld::note_end(Rank rank) noexcept {
  // Release: pairs with the acquire in has_ended(), after which the lane is looked at once more.
  ended_[static_cast<std::size_t>(rank)].store(true, std::memory_order_release);
  ends_.fetch_add(1, std::memory_order_release);
  if (wire::Lane* const lane = awaited_.load(std::memory_order_acquire)) {
    futex_wake_all(lane->turn);
  }
}

FabricWorld::Outcome FabricWorld::finish() {
  thread_.join();
  return std::move(outcome_);
}

// A simulation is made, run and destroyed by one thread. Signals are the launcher's business.
void FabricWorld::run(std::promise<void> made) {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  ::pthread_setname_np(::pthread_self(), "tutti-fabric");
  try {
    simulation_.emplace(options_);
    make_world();
    id_ = simulation_->meetings().host();
    const auto ranks = static_cast<std::size_t>(ranks_);
    attached_.resize(ranks);
    ended_ = std::make_unique<std::atomic<bool>[]>(ranks);
    for (int rank = 0; rank < ranks_; ++rank) {
      served_.push_back(std::make_unique<ServedRank>(static_cast<ServedWorld&>(*this), rank));
    }
  } catch (...) {
    simulation_.reset();
    return made.set_exception(std::current_exception());
  }
  std::future<bool> go = begin_.get_future();
  made.set_value();
  if (go.get()) simulate();
  rosters_.clear();
  simulation_.reset();
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(over_.get(), &one, sizeof(one));
}

// The files that all processes map.
void FabricWorld::make_world() {
  constexpr std::size_t kLarge = std::size_t{2} << 20;
  const auto ranks = static_cast<std::size_t>(ranks_);
  constexpr std::size_t kMostOfAddresses = std::size_t{48} << 40;  // of 128 TiB
  std::size_t reserve = Heap::usual_reserve();
  while (reserve > kLarge && reserve * ranks > kMostOfAddresses) reserve /= 2;
  const std::size_t stride = reserve + kLarge;
  file_ = create_shared("tutti-fabric", wire::file_bytes(ranks));
  mapping_ = Mapping::shared(file_.get(), 0, wire::file_bytes(ranks), {.reserve_only = true},
                             "a simulation");
  heaps_file_ = create_shared("tutti-heaps", ranks * stride);
  heaps_ =
      Mapping::shared(heaps_file_.get(), 0, ranks * stride,
                      {.reserve_only = true, .alignment = kLarge}, "the heaps of simulated ranks");
  const Heap* const hollow = simulation_->hollow_heap();
  auto& world = *reinterpret_cast<wire::World*>(mapping_.data());
  world = {.magic = wire::kMagic,
           .version = TUTTI_VERSION_CODE,
           .ranks = ranks_,
           .heaps = handle_of(heaps_file_),
           .heap_stride = stride,
           .heap_reserve = reserve,
           .records = options_.record_bytes > 0 ? 1U : 0U,
           .hollow_reserve = hollow != nullptr ? hollow->reserve_bytes() : 0};
  memories_.resize(ranks);
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    memories_[rank].place_heap(heaps_.data() + rank * stride, reserve);
    if (hollow == nullptr) continue;
    memories_[rank].place_hollow(wire::hollow_offset(ranks * stride, stride, rank),
                                 {hollow->base(), hollow->reserve_bytes()});
  }
}

void FabricWorld::simulate() {
  try {
    outcome_.report =
        simulation_->run([this](int rank) { served_[static_cast<std::size_t>(rank)]->serve(); });
  } catch (const std::exception& error) {
    outcome_.trouble = error.what();
    return;
  }
  outcome_.trouble = trouble_of_ranks();
  try {
    pictures_.write(*simulation_, outcome_.report, !outcome_.trouble.empty());
  } catch (const std::exception& error) {
    outcome_.not_shown = error.what();
  }
}

std::string FabricWorld::trouble_of_ranks() const {
  for (std::size_t rank = 0; rank < outcome_.report.ranks.size(); ++rank) {
    const ub::RankEnd& end = outcome_.report.ranks[rank];
    if (end.how == ub::RankEnd::How::kFailed) {
      return fmt::format("rank {} cannot be served any more, at {}: {}", rank, in_us(end.at),
                         end.why);
    }
    if (end.how == ub::RankEnd::How::kStuck) {
      return fmt::format("rank {} never ended: since {} it waits for {}", rank, in_us(end.at),
                         end.why.empty() ? "its turn" : end.why);
    }
  }
  return {};
}

// What an event throws comes out of the run.
void FabricWorld::end_run(const std::string& trouble) {
  ub::Scheduler& scheduler = simulation_->scheduler();
  scheduler.at(
      scheduler.now(), {.rank = ub::Entity::kFabric},
      [text = std::make_shared<std::string>(trouble)] { throw Error(tuttiTimeout, *text); });
  for (;;) current_context().host->park(Nanoseconds::max(), "the end of the run");
}

wire::Process& FabricWorld::process(int rank) {
  return *reinterpret_cast<wire::Process*>(mapping_.data() +
                                           wire::offset_of_process(static_cast<std::size_t>(rank)));
}

void FabricWorld::attached(int rank, int pid) {
  const auto index = static_cast<std::size_t>(rank);
  attached_[index].pid = pid;
  memories_[index].attach(pid);
  if (pid == started_[index]) return;
  attached_[index].watch = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!attached_[index].watch) fail_system("watching process {}, which is rank {}", pid, rank);
}

bool FabricWorld::has_ended(std::size_t rank) const {
  if (ended_[rank].load(std::memory_order_acquire)) return true;
  pollfd watch{attached_[rank].watch.get(), POLLIN, 0};
  return watch.fd >= 0 && ::poll(&watch, 1, 0) > 0;
}

// Ranks whose processes ended while they had not the turn are gone at this time. Whether there are
// any, but the one that has it.
bool FabricWorld::bury_the_dead(int but) {
  ends_seen_ = ends_.load(std::memory_order_acquire);
  bool any = false;
  for (std::size_t rank = 0; rank < served_.size(); ++rank) {
    if (static_cast<int>(rank) == but || served_[rank]->idle() || !has_ended(rank)) continue;
    served_[rank]->bury();
    any = true;
  }
  return any;
}

bool FabricWorld::await(int rank, wire::Lane& lane) {
  if (ends_.load(std::memory_order_relaxed) != ends_seen_) bury_the_dead(rank);
  if (wire::look_for_turn(lane, wire::kOfSimulation, kLooks)) {
    ++outcome_.hand_offs;
    return true;
  }
  const auto index = static_cast<std::size_t>(rank);
  const Nanoseconds start = steady_now();
  awaited_.store(&lane, std::memory_order_release);
  while (!wire::has_turn(lane, wire::kOfSimulation)) {
    if (stopped_.load(std::memory_order_relaxed)) end_run("the run was stopped");
    if (has_ended(index)) {
      if (wire::has_turn(lane, wire::kOfSimulation)) break;
      awaited_.store(nullptr, std::memory_order_release);
      return false;
    }
    if (steady_now() - start >= silence_) {
      const int pid = attached_[index].pid != 0 ? attached_[index].pid : started_[index];
      end_run(fmt::format(
          "rank {} (process {}) has been silent outside Tutti for {:.3g} s, at {} of virtual time",
          rank, pid, std::chrono::duration<double>(silence_).count(),
          in_us(simulation_->scheduler().now())));
    }
    wire::sleep_for_turn(lane, wire::kOfSimulation, kSlice);
  }
  awaited_.store(nullptr, std::memory_order_release);
  ++outcome_.hand_offs;
  return true;
}

void FabricWorld::end_process(int rank) {
  fmt::print(stderr, "tutti-run: rank {} died at {} of virtual time, by a fault of the fabric\n",
             rank, in_us(simulation_->scheduler().now()));
  const Attached& its = attached_[static_cast<std::size_t>(rank)];
  if (its.pid != 0) ::kill(its.pid, SIGKILL);
}

void FabricWorld::deadlocked(const std::string& text) {
  fmt::print(stderr, "tutti-run: {}\n", first_lines(text));
}

}  // namespace tutti::launcher
