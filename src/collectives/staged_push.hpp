// Blocks that are put into the staging of whoever gets them and announced by a line: one way, and
// nobody answers.
//
// In groups of one rank each rank sends to every other. In larger ones a block goes two ways: to
// the group member that has the receiver's place, and from there, with those of the whole group, to
// the receiver; or, from one rank to all, to everybody with the sender's place, and from those to
// their groups. That is twice the bytes at most, and with g ranks in each of q groups g + q
// messages instead of g * q. Blocks travel as they are: whoever reduces has them of all ranks, in
// rank order, and the result is the same to the bit as without groups.
//
// Share k of what is scattered goes to the k-th rank by (place, group): what the ranks of one place
// get lies side by side.
#pragma once

#include <span>

#include "channel/operation.hpp"
#include "collectives/groups.hpp"

namespace tutti {

class StagedPush {
 public:
  enum class Halves : std::uint8_t { kScatter, kGather, kBoth };

  // Of `total` bytes, share k has those from k * share_bytes on, share_bytes or what is left.
  struct Plan {
    int group = 1;  // ranks in each
    Halves halves = Halves::kBoth;
    bool packed = false;  // pack() is called before scatter()
    std::size_t share_bytes = 0;
    std::size_t total = 0;
  };
  // What of a slot's staging it takes; a plan that takes more cannot run.
  static std::size_t staging_bytes(const Plan& plan, int ranks);

  // Waits until everybody's staging is free.
  StagedPush(const Operation& operation, const Plan& plan);

  // Copies one block of share_bytes for each rank, in rank order, to where scatter() takes them
  // from, in share order.
  std::span<const std::byte> pack(const std::byte* blocks);
  // Sends each rank its share of `shares`, and returns when this rank's is there from everybody. A
  // source that is no staging is free when everybody has gathered something from this rank.
  void scatter(std::span<const std::byte> shares);
  // This rank's share as `source` sent it.
  const std::byte* arrived(Rank source) const {
    return area(kArrived) + offset(source, own_bytes());
  }

  // Are any bytes as good a source as staging, if flush() is called before they change? Puts are
  // copied on their way then, and ranks send to each other directly.
  bool takes_any_source() const {
    return plan_.group == 1 && operation_.channel().views_are_copies();
  }
  // Returns when what was sent has been copied.
  void flush() const;

  // Where this rank's share goes before gather(), which sends it to everybody and returns when
  // everybody's is there.
  std::byte* mine() const { return area(kGathered) + first_of(own_share()); }
  void gather() { gather(mine()); }
  // The same from elsewhere, where takes_any_source(); it is not gathered by this rank itself.
  void gather(const std::byte* own);
  const std::byte* gathered_all() const { return area(kGathered); }  // in share order
  const std::byte* gathered(Rank source) const {
    return area(kGathered) + first_of(share_of(source));
  }
  std::size_t own_bytes() const { return bytes_in(own_share(), 1); }

  // After the last half: this rank has heard of everybody.
  void finish() const { operation_.learn_floor(floor_); }

 private:
  enum Area : unsigned { kGathered, kArrived, kFromGroup, kToGroups, kPacked };
  static constexpr unsigned kAreas = 5;
  static bool has(const Plan& plan, Area area);

  std::size_t share_of(Rank rank) const {
    return static_cast<std::size_t>(rank % groups_.size()) *
               static_cast<std::size_t>(groups_.count()) +
           static_cast<std::size_t>(rank / groups_.size());
  }
  std::size_t own_share() const { return share_of(operation_.rank()); }
  std::size_t first_of(std::size_t share) const { return share * plan_.share_bytes; }
  // Of so many shares from this one on.
  std::size_t bytes_in(std::size_t share, std::size_t shares) const;
  static std::size_t offset(int index, std::size_t bytes) {
    return static_cast<std::size_t>(index) * bytes;
  }
  std::byte* area(Area area) const { return staging_.data() + offsets_[area]; }

  void scatter_directly(std::span<const std::byte> shares);
  void scatter_in_group(std::span<const std::byte> shares);
  void scatter_to_groups();
  void copy(std::byte* to, const std::byte* from, std::size_t bytes) const;
  void send(Rank peer, Phase phase, Area to, std::size_t at, std::span<const std::byte> source);
  void mark(Rank peer, Phase phase, std::span<const std::byte> inlined);
  const Line& await(Rank peer, Phase phase);

  const Operation& operation_;
  Plan plan_;
  Groups groups_;
  std::span<std::byte> staging_;
  std::size_t offsets_[kAreas] = {};
  Sequence floor_;  // what those of whom this rank has heard have completed
};

}  // namespace tutti
