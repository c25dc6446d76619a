#include "transports/ub/bus/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/context.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

namespace tutti::ub {

namespace {

// Faults of the profile come first, as make_fabric() has them: what a seed chooses depends on the
// place in the list.
std::vector<Fault> all_faults(const SimulationOptions& options) {
  std::vector<Fault> faults = options.profile.faults;
  faults.insert(faults.end(), options.fabric.faults.begin(), options.fabric.faults.end());
  return faults;
}

Scheduler::Options watched(Scheduler::Options options, RunRecord* record,
                           NumberedEvents& numbered) {
  options.numbered = &numbered;
  if (record != nullptr) options.watcher = record;
  return options;
}

FabricOptions probed(FabricOptions options, RunRecord* record) {
  if (record != nullptr) options.probe = record;
  return options;
}

std::string what_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

}  // namespace

Simulation::Simulation(SimulationOptions options)
    : options_(std::move(options)),
      record_(options_.record_bytes > 0 ? std::make_unique<RunRecord>(options_.record_bytes)
                                        : nullptr),
      topology_(options_.profile, options_.placement),
      faults_(topology_, all_faults(options_), options_.fabric.seed),
      costs_(topology_),
      pace_(topology_, faults_, options_.jitter),
      engine_(std::in_place, watched(options_.scheduler, record_.get(), *this), *this),
      races_(options_.races
                 ? std::optional<RaceChecker>(std::in_place, engine_->scheduler, *options_.races)
                 : std::nullopt),
      courier_(std::in_place, engine_->scheduler, topology_,
               CourierOptions{.fabric = probed(options_.fabric, record_.get()),
                              .payload_digest = options_.payload_digest,
                              .record = record_.get(),
                              .races = races()},
               static_cast<ModelEvents&>(*this)),
      ends_(static_cast<std::size_t>(topology_.ranks())) {
  if (options_.timing_only) hollow_.emplace(Heap::Hollow());
}

Simulation::~Simulation() = default;

Simulation* Simulation::current() noexcept {
  const auto* host = dynamic_cast<Host*>(current_context().host);
  return host != nullptr ? &host->simulation : nullptr;
}

SimulationReport Simulation::run(const std::function<void(int rank)>& body) {
  if (std::exchange(ran_, true)) fail(tuttiInvalidUsage, "a simulation runs once");
  struct EndOfFibres {  // which use everything else
    std::optional<Engine>& engine;
    ~EndOfFibres() { engine.reset(); }
  } const guard{engine_};
  spawn(body);
  schedule_ends();
  const Scheduler::End end = scheduler().run();
  if (end == Scheduler::End::kLate) note_waiting(scheduler().parked());
  courier_->bring_all(options_.scheduler.limit);
  return report(end);
}

void Simulation::spawn(const std::function<void(int rank)>& body) {
  for (int rank = 0; rank < topology_.ranks(); ++rank) {
    fibres_.push_back(scheduler().spawn({.rank = rank}, Picoseconds(0), [this, rank, &body] {
      body(rank);
      // Who died may come here all the same: the C API makes of its end a code, and a body returns
      // it.
      RankEnd& end = ends_[static_cast<std::size_t>(rank)];
      if (end.how == RankEnd::How::kStuck) {
        end = {.how = RankEnd::How::kFinished, .at = scheduler().now()};
      }
    }));
  }
}

// A rank whose node fails stops at its next call; all others hear of it when the fabric has
// noticed, if they have not lost something to it before.
void Simulation::schedule_ends() {
  for (int rank = 0; rank < topology_.ranks(); ++rank) {
    const auto end = faults_.end_of(rank);
    if (!end) continue;
    const char* const why = end->of == Fault::Kind::kRank ? "a fault ended it" : "its node failed";
    scheduler().at(end->at, {.rank = rank}, [this, rank, why] { this->end(rank, why); });
    scheduler().at(end->detected, {.rank = Entity::kFabric}, [this, rank] {
      for (const auto& roster : rosters_) roster->tell_gone(rank);
    });
  }
}

void Simulation::end(int rank, const char* why) {
  courier_->kill(rank);
  scheduler().cancel(fibres_[static_cast<std::size_t>(rank)]);
  for (const auto& roster : rosters_) roster->wake_gone(rank);
  RankEnd& own = ends_[static_cast<std::size_t>(rank)];
  if (own.how == RankEnd::How::kStuck) {
    own = {.how = RankEnd::How::kDied, .at = scheduler().now(), .why = why};
  }
}

void Simulation::kill(int rank) {
  if (courier_->gone(rank)) return;
  end(rank, "its program ended");
  Picoseconds detection{};
  for (const Network& network : topology_.profile().networks) {
    detection = std::max(detection, nanoseconds(network.detection_ns));
  }
  scheduler().at(scheduler().now() + detection, {.rank = Entity::kFabric}, [this, rank] {
    for (const auto& roster : rosters_) roster->tell_gone(rank);
  });
}

// Almost every event is the fabric's: what its token says fits into a number, and so it needs no
// place of its own.
void Simulation::schedule(Picoseconds at, EventTarget& target, std::uint64_t token) {
  ++model_events_;
  const Entity fabric{.rank = Entity::kFabric};
  if (numbered_ == nullptr) numbered_ = &target;
  const auto number = static_cast<std::uint32_t>(token);
  if (numbered_ == &target && number <= kLargestInNumber) {
    const auto stage = static_cast<std::uint32_t>(token >> 32);
    return scheduler().at_number(at, fabric, stage << kNumberBits | number);
  }
  scheduler().at(at, fabric, [at, its = &target, token] { its->fire(at, token); });
}

void Simulation::happen(std::uint32_t number) {
  numbered_->fire(scheduler().now(), token_of(number >> kNumberBits, number & kLargestInNumber));
}

void Simulation::prepare(std::uint32_t number, int pass) const noexcept {
  numbered_->prepare(token_of(number >> kNumberBits, number & kLargestInNumber), pass);
}

void Simulation::fibre_failed(FibreId, const Entity& who, std::exception_ptr why) {
  RankEnd& end = ends_[static_cast<std::size_t>(who.rank)];
  if (end.failure != nullptr) return;
  end = {
      .how = RankEnd::How::kFailed, .at = scheduler().now(), .why = what_of(why), .failure = why};
}

void Simulation::deadlocked(std::span<const ParkedFibre> parked) {
  SimulationWatcher* const watcher = options_.watcher;
  if (watcher != nullptr && watcher->outside_changed()) return;
  std::string text =
      fmt::format("at {} ps all ranks wait for each other:", scheduler().now().count());
  for (const ParkedFibre& fibre : parked) {
    if (courier_->gone(fibre.who.rank)) continue;
    text += fmt::format("\n  {} since {} ps for {}", to_string(fibre.who), fibre.since.count(),
                        fibre.waits_for);
  }
  note_waiting(parked);
  TUTTI_INFO(kNet, "{}", text);
  if (watcher != nullptr) watcher->deadlocked(text);
  deadlocks_.push_back(std::move(text));
}

void Simulation::note_waiting(std::span<const ParkedFibre> parked) {
  for (const ParkedFibre& fibre : parked) {
    RankEnd& end = ends_[static_cast<std::size_t>(fibre.who.rank)];
    if (end.how == RankEnd::How::kStuck) end = {.at = fibre.since, .why = fibre.waits_for};
  }
}

SimulationReport Simulation::report(Scheduler::End end) {
  const Courier::Counts& counts = courier_->counts();
  SimulationReport report{.end = counts.last,
                          .last_arrival = counts.last,
                          .bound = courier_->bound(),
                          .late = end == Scheduler::End::kLate,
                          .ranks = ends_,
                          .deadlocks = std::move(deadlocks_),
                          .deterministic = !measured_,
                          .races = races_ ? races_->races() : std::vector<std::string>{},
                          .races_found = races_ ? races_->found() : 0,
                          .arrivals = courier_->digest().arrivals(),
                          .payload = courier_->digest().payload(),
                          .transfers = counts.transfers,
                          .bytes = counts.bytes,
                          .events = model_events_ + counts.deliveries};
  for (const RankEnd& rank : report.ranks) report.end = std::max(report.end, rank.at);
  return report;
}

}  // namespace tutti::ub
