// Turns, and how a rank ends; what it calls is carried out in served_calls.cpp.
#include "served_rank.hpp"

#include <exception>
#include <utility>

#include "answer.hpp"
#include "base/error.hpp"
#include "transports/ub/processes/turn.hpp"

namespace tutti::launcher {

namespace wire = ub::wire;

ServedRank::Transport::Transport(const std::shared_ptr<ub::RankPort>& its,
                                 const RankMemories& memories)
    : port(its),
      bus(its),
      control(its, wire::Where::kControl, memories),
      heap(its, wire::Where::kHeap, memories),
      process(its, wire::Where::kProcess, memories) {}

ServedRank::ServedRank(ServedWorld& world, int rank)
    : world_(world), rank_(rank), process_(world.process(rank)) {
  for (std::uint32_t number = 1; number < wire::kLanes; ++number) free_lanes_.insert(number);
  process_.live.store(1, std::memory_order_relaxed);
}

ServedRank::~ServedRank() = default;

wire::Lane& ServedRank::lane(std::uint32_t number) const {
  return reinterpret_cast<wire::Lane*>(&process_ + 1)[number];
}

FibreHost& ServedRank::host() const { return *current_context().host; }

template <typename Work>
void ServedRank::while_alive(Work&& work) {
  try {
    work();
  } catch (const FibreUnwind&) {
    if (!ended_ && world_.simulation().courier().gone(rank_)) world_.end_process(rank_);
    throw;
  }
}

void ServedRank::serve() {
  // On the fibre, because what a rank leaves and loses follows from how it ends.
  struct Belongings {
    ServedRank& rank;
    ~Belongings() {
      rank.transports_.clear();
      rank.bootstraps_.clear();
      rank.fibres_.erase(0);
    }
  };
  while_alive([this] {
    const Belongings belongings{*this};
    fibres_[0] = world_.simulation().scheduler().current();
    serve(0);
  });
}

void ServedRank::serve_stream(std::uint32_t number) {
  struct Stream {
    ServedRank& rank;
    std::uint32_t number;
    ~Stream() {
      rank.fibres_.erase(number);
      rank.free_lanes_.insert(number);
      rank.process_.live.fetch_sub(1, std::memory_order_relaxed);
    }
  };
  while_alive([this, number] {
    const Stream stream{*this, number};
    fibres_[number] = world_.simulation().scheduler().current();
    give_back(lane(number));
    serve(number);
  });
}

void ServedRank::serve(std::uint32_t number) {
  wire::Lane& own = lane(number);
  do {
    if (!world_.await(rank_, own)) return end_of_process(own);
  } while (carry_out(own));
  if (number != 0) return;
  own.used = 0;  // of a process that exits
  end_of_process(own);
}

bool ServedRank::carry_out(wire::Lane& own) {
  Answer answer(own);
  bool more = true;
  try {
    more = carry_out_all(own, answer);
  } catch (const Error& error) {
    answer.fail(error);
  } catch (const std::exception& error) {
    answer.fail(Error(tuttiInternalError, error.what()));
  }
  if (more) give_back(own);
  return more;
}

bool ServedRank::carry_out_all(const wire::Lane& own, Answer& answer) {
  for (std::uint32_t at = 0; at < own.used;) {
    wire::Command command{};
    std::memcpy(&command, own.commands + at, sizeof(command));
    if (command.op == wire::Op::kFinish) return false;
    if (command.bytes < sizeof(command) || command.bytes > own.used - at) {
      fail(tuttiInternalError, "rank {} has sent what is no command", rank_);
    }
    carry_out(command, own.commands + at + sizeof(command), answer);
    at += command.bytes;
  }
  return true;
}

void ServedRank::give_back(wire::Lane& own) const {
  own.used = 0;
  world_.simulation().courier().bring(rank_);
  process_.now_ps = world_.simulation().scheduler().now().count();
  ++process_.answers;
  wire::give_turn(own, wire::kOfProcess);
}

void ServedRank::end_of_process(const wire::Lane& last) {
  ended_ = true;
  if (transports_.empty()) {
    // It left everything, and may have computed since.
    const auto nowhere = std::make_unique<wire::Lane>();
    Answer answer(*nowhere);
    try {
      carry_out_all(last, answer);
    } catch (const Error&) {
      // Of an answer that nobody waits for.
    }
    return cancel_fibres();
  }
  bury();
  world_.simulation().courier().check_alive(rank_);
}

void ServedRank::bury() {
  ended_ = true;
  world_.simulation().kill(rank_);
  cancel_fibres();
}

void ServedRank::cancel_fibres() {
  for (const auto& [number, fibre] : fibres_) world_.simulation().scheduler().cancel(fibre);
}

}  // namespace tutti::launcher
