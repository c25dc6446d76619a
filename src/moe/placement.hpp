// Which rank owns which expert, and the number an expert has on its owner.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tutti::moe {

constexpr int kMaxLanes = 64;               // TUTTI_MOE_MAX_TOPK; an entry's lane has 6 bits
constexpr int kMaxExperts = (1 << 20) - 1;  // an entry's local expert has 20 bits

// Immutable once made; the same on every rank of a group. Experts of one rank are numbered in
// ascending order of their global ids.
class Placement {
 public:
  // Contiguous blocks; the first num_experts % ranks ranks own one more.
  static Placement contiguous(int num_experts, int ranks);
  // Rank expert_to_rank[e] owns expert e; ranks may own none. tuttiInvalidArgument names the expert
  // whose rank does not exist.
  static Placement from_owners(std::span<const int> expert_to_rank, int ranks);

  int num_experts() const noexcept { return static_cast<int>(owners_.size()); }
  int ranks() const noexcept { return static_cast<int>(first_.size()) - 1; }

  int owner(int expert) const noexcept { return owners_[static_cast<std::size_t>(expert)]; }
  int local_index(int expert) const noexcept { return locals_[static_cast<std::size_t>(expert)]; }

  // Global ids of the experts of `rank`, ascending; indexed by their local number.
  std::span<const int> experts_of(int rank) const noexcept;
  int count_of(int rank) const noexcept { return static_cast<int>(experts_of(rank).size()); }
  // The number of experts of the rank that owns most.
  int largest_count() const noexcept;

 private:
  Placement(std::vector<int> owners, int ranks);

  std::vector<int> owners_;         // [E]
  std::vector<int> locals_;         // [E]
  std::vector<int> experts_;        // [E], sorted by (owner, id)
  std::vector<std::size_t> first_;  // [R + 1] into experts_
};

}  // namespace tutti::moe
