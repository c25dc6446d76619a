#include "transports/ub/engine/scheduler_host.hpp"

#include <utility>

#include "base/error.hpp"

namespace tutti::ub {
namespace {

FibreHost::Fibre name_of(FibreId id) noexcept {
  return FibreHost::Fibre{id.generation} << 32 | id.index;
}

FibreId id_of(FibreHost::Fibre fibre) noexcept {
  return {.index = static_cast<std::uint32_t>(fibre),
          .generation = static_cast<std::uint32_t>(fibre >> 32)};
}

Picoseconds time_of(Nanoseconds deadline) noexcept {
  return deadline < std::chrono::duration_cast<Nanoseconds>(kNever) ? Picoseconds(deadline)
                                                                    : kNever;
}

class Words final : public ParkSubject {
 public:
  explicit Words(std::string_view words) noexcept : words_(words) {}
  std::string describe() const override { return std::string(words_); }

 private:
  std::string_view words_;
};

}  // namespace

// A stream's number, as long as its fibre lives.
class SchedulerHost::Number {
 public:
  Number(SchedulerHost& host, int rank) : host_(&host), rank_(rank) {
    Streams& streams = host.streams_of(rank);
    if (!streams.free.empty()) {
      stream_ = streams.free.extract(streams.free.begin()).value();
    } else if (streams.next < Entity::kMaxStreams) {
      stream_ = streams.next++;
    } else {
      fail(tuttiInvalidUsage, "{} has {} streams, more are not simulated",
           to_string(Entity{.rank = rank}), Entity::kMaxStreams - 1);
    }
  }
  ~Number() {
    if (host_ != nullptr) host_->streams_of(rank_).free.insert(stream_);
  }
  Number(Number&& other) noexcept
      : host_(std::exchange(other.host_, nullptr)), rank_(other.rank_), stream_(other.stream_) {}
  Number& operator=(Number&&) = delete;

  Entity entity() const noexcept { return {.rank = rank_, .stream = stream_}; }

 private:
  SchedulerHost* host_;  // outlives the fibres; nullptr: moved from
  int rank_;
  int stream_ = 0;
};

SchedulerHost::Streams& SchedulerHost::streams_of(int rank) {
  const auto index = static_cast<std::size_t>(rank - Entity::kFabric);
  if (index >= streams_.size()) streams_.resize(index + 1);
  return streams_[index];
}

Nanoseconds SchedulerHost::now() noexcept {
  return std::chrono::floor<Nanoseconds>(scheduler_.now());
}

FibreHost::Fibre SchedulerHost::current() { return name_of(scheduler_.current()); }

void SchedulerHost::park(Nanoseconds deadline, std::string_view what) {
  scheduler_.park_until(time_of(deadline), Words(what));
}

void SchedulerHost::wake(Fibre fibre) { scheduler_.wake(id_of(fibre), scheduler_.now()); }

FibreHost::Fibre SchedulerHost::spawn(std::function<void()> body) {
  Number number(*this, scheduler_.who().rank);
  const Entity who = number.entity();
  return name_of(scheduler_.spawn(
      who, scheduler_.now(), [number = std::move(number), body = std::move(body)] { body(); }));
}

void SchedulerHost::join(Fibre fibre) {
  const FibreId id = id_of(fibre);
  while (!scheduler_.finished(id)) {
    scheduler_.join(id);
    if (scheduler_.ending()) return;
  }
}

}  // namespace tutti::ub
