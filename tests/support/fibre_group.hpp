// Ranks that are fibres of a simulation meet in memory, in no virtual time.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "bootstrap/bootstrap.hpp"
#include "transports/ub/engine/scheduler.hpp"

namespace tutti::test {

// The Bootstraps may outlive the group, but not the scheduler's run.
class FibreGroup {
 public:
  FibreGroup(ub::Scheduler& scheduler, int ranks)
      : room_(std::make_shared<Room>(scheduler, static_cast<std::size_t>(ranks))) {}

  std::unique_ptr<Bootstrap> bootstrap(Rank rank) { return std::make_unique<Member>(room_, rank); }

 private:
  struct Blob {
    std::span<const std::byte> mine;
    std::span<std::byte> all;
    ub::FibreId fibre;
  };
  struct Room {
    Room(ub::Scheduler& runs, std::size_t ranks) : scheduler(runs), blobs(ranks) {}
    ub::Scheduler& scheduler;
    std::vector<Blob> blobs;
    std::size_t arrived = 0;
    std::uint64_t rounds = 0;
  };
  class Meeting final : public ub::ParkSubject {
   public:
    std::string describe() const override { return "a meeting"; }
  };

  class Member final : public Bootstrap {
   public:
    Member(std::shared_ptr<Room> room, Rank rank) : room_(std::move(room)), rank_(rank) {}
    Rank rank() const noexcept override { return rank_; }
    int ranks() const noexcept override { return static_cast<int>(room_->blobs.size()); }
    void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
      Room& room = *room_;
      room.blobs[static_cast<std::size_t>(rank_)] = {mine, all, room.scheduler.current()};
      const std::uint64_t round = room.rounds;
      if (++room.arrived < room.blobs.size()) {
        while (room.rounds == round) room.scheduler.park_until(ub::kNever, Meeting());
        return;
      }
      // Who comes last hands everything out: nobody has to read what another may overwrite.
      room.arrived = 0;
      ++room.rounds;
      for (const Blob& to : room.blobs) {
        std::byte* place = to.all.data();
        for (const Blob& from : room.blobs) {
          if (!from.mine.empty()) std::memcpy(place, from.mine.data(), from.mine.size());
          place += from.mine.size();
        }
        room.scheduler.wake(to.fibre, room.scheduler.now());
      }
    }

   private:
    std::shared_ptr<Room> room_;
    Rank rank_;
  };

  std::shared_ptr<Room> room_;
};

}  // namespace tutti::test
