// One mutex, one condition, two sets of blobs: a rank that is already in the next round
// writes into the other set, and nobody can be two rounds ahead.
#include "bootstrap/local_group.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/condition.hpp"
#include "base/error.hpp"
#include "bootstrap/rank_names.hpp"

namespace tutti {

class LocalGroup::Room {
 public:
  Room(int ranks, Nanoseconds timeout)
      : ranks_(ranks), timeout_(timeout), seats_(static_cast<std::size_t>(ranks)) {}

  int ranks() const noexcept { return ranks_; }

  void enter(Rank rank) {
    const std::scoped_lock lock(mutex_);
    if (rank < 0 || rank >= ranks_) {
      fail(tuttiInvalidArgument, "rank {} is outside a group of {} ranks", rank, ranks_);
    }
    if (std::exchange(seat(rank).taken, true)) {
      fail(tuttiInvalidUsage, "rank {} of the group is taken", rank);
    }
  }

  void leave(Rank rank) {
    const std::scoped_lock lock(mutex_);
    seat(rank).left = true;
    if (arrived_ > 0) fail_all(departure(rank));
  }

  void all_gather(Rank rank, std::span<const std::byte> mine, std::span<std::byte> all) {
    std::unique_lock lock(mutex_);
    const std::uint64_t round = round_;
    contribute(rank, mine);
    const auto done = [&] { return round_ != round || failure_; };
    if (!changed_.wait_for(lock, timeout_, done)) fail_all(lateness());
    // A round that was completed stays so, whatever happened since.
    if (round_ == round) throw Error(*failure_);
    const auto& blobs = blobs_[round % 2];
    std::copy(blobs.begin(), blobs.end(), all.begin());
  }

 private:
  struct Seat {
    bool taken = false;
    bool left = false;
    bool arrived = false;
  };

  Seat& seat(Rank rank) { return seats_[static_cast<std::size_t>(rank)]; }

  void contribute(Rank rank, std::span<const std::byte> mine) {
    if (failure_) throw Error(*failure_);
    const auto gone =
        std::find_if(seats_.begin(), seats_.end(), [](const Seat& s) { return s.left; });
    auto& blobs = blobs_[round_ % 2];
    const std::size_t bytes = blobs.size() / static_cast<std::size_t>(ranks_);
    if (gone != seats_.end()) {
      fail_all(departure(static_cast<Rank>(gone - seats_.begin())));
    } else if (arrived_ == 0) {
      blobs.resize(mine.size() * static_cast<std::size_t>(ranks_));
    } else if (bytes != mine.size()) {
      fail_all({tuttiMismatch,
                fmt::format("rank {} brought {} bytes to an all-gather to which others brought {}",
                            rank, mine.size(), bytes),
                {rank}});
    }
    if (failure_) throw Error(*failure_);
    std::copy(
        mine.begin(), mine.end(),
        blobs.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(rank) * mine.size()));
    seat(rank).arrived = true;
    if (++arrived_ == ranks_) finish_round();
  }

  void finish_round() {
    for (Seat& s : seats_) s.arrived = false;
    arrived_ = 0;
    ++round_;
    changed_.notify_all();
  }

  Error departure(Rank rank) {
    return {tuttiRemoteError, fmt::format("rank {} left while others needed it", rank), {rank}};
  }

  Error lateness() {
    std::vector<Rank> late;
    for (Rank rank = 0; rank < ranks_; ++rank) {
      if (!seat(rank).arrived) late.push_back(rank);
    }
    const std::chrono::duration<double> seconds = timeout_;
    return {tuttiTimeout,
            fmt::format("{} did not follow within {:.3g} s", name_ranks(late), seconds.count()),
            late};
  }

  void fail_all(Error error) {
    if (!failure_) failure_.emplace(std::move(error));
    changed_.notify_all();
  }

  const int ranks_;
  const Nanoseconds timeout_;
  std::mutex mutex_;  // guards everything below
  Condition changed_{"the other ranks of a local group"};
  std::vector<Seat> seats_;
  std::array<std::vector<std::byte>, 2> blobs_;
  std::uint64_t round_ = 0;
  int arrived_ = 0;
  std::optional<Error> failure_;
};

class LocalGroup::Member final : public Bootstrap {
 public:
  Member(std::shared_ptr<Room> room, Rank rank) : room_(std::move(room)), rank_(rank) {
    room_->enter(rank_);
  }
  ~Member() override { room_->leave(rank_); }

  Rank rank() const noexcept override { return rank_; }
  int ranks() const noexcept override { return room_->ranks(); }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    check_all_gather(*this, mine, all);
    room_->all_gather(rank_, mine, all);
  }

 private:
  const std::shared_ptr<Room> room_;
  const Rank rank_;
};

LocalGroup::LocalGroup(int ranks, Nanoseconds timeout) {
  if (ranks < 1) fail(tuttiInvalidArgument, "a group of {} ranks is not possible", ranks);
  room_ = std::make_shared<Room>(ranks, timeout);
}

LocalGroup::~LocalGroup() = default;

std::unique_ptr<Bootstrap> LocalGroup::bootstrap(Rank rank) {
  return std::make_unique<Member>(room_, rank);
}

}  // namespace tutti
