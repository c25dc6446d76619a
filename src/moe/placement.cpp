#include "moe/placement.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace tutti::moe {
namespace {

void check_sizes(std::size_t num_experts, int ranks) {
  if (ranks < 1)
    fail(tuttiInvalidArgument, "an expert placement over {} ranks: at least 1 is needed", ranks);
  if (num_experts < 1 || num_experts > static_cast<std::size_t>(kMaxExperts)) {
    fail(tuttiInvalidArgument, "num_experts is {}: it must be between 1 and {}",
         static_cast<std::ptrdiff_t>(num_experts), kMaxExperts);
  }
}

}  // namespace

Placement Placement::contiguous(int num_experts, int ranks) {
  check_sizes(num_experts < 0 ? 0 : static_cast<std::size_t>(num_experts), ranks);
  const int share = num_experts / ranks;
  const int larger = num_experts % ranks;
  std::vector<int> owners;
  owners.reserve(static_cast<std::size_t>(num_experts));
  for (int rank = 0; rank < ranks; ++rank) {
    const int count = rank < larger ? share + 1 : share;
    owners.insert(owners.end(), static_cast<std::size_t>(count), rank);
  }
  return Placement(std::move(owners), ranks);
}

Placement Placement::from_owners(std::span<const int> expert_to_rank, int ranks) {
  check_sizes(expert_to_rank.size(), ranks);
  for (std::size_t expert = 0; expert < expert_to_rank.size(); ++expert) {
    const int owner = expert_to_rank[expert];
    if (owner < 0 || owner >= ranks) {
      fail(tuttiInvalidArgument, "expert_to_rank[{}] is {}: there are ranks 0 to {}", expert, owner,
           ranks - 1);
    }
  }
  return Placement({expert_to_rank.begin(), expert_to_rank.end()}, ranks);
}

Placement::Placement(std::vector<int> owners, int ranks)
    : owners_(std::move(owners)),
      locals_(owners_.size()),
      experts_(owners_.size()),
      first_(static_cast<std::size_t>(ranks) + 1) {
  for (const int owner : owners_) ++first_[static_cast<std::size_t>(owner) + 1];
  for (std::size_t rank = 0; rank + 1 < first_.size(); ++rank) first_[rank + 1] += first_[rank];
  std::vector<int> counts(static_cast<std::size_t>(ranks));
  for (std::size_t expert = 0; expert < owners_.size(); ++expert) {
    const auto owner = static_cast<std::size_t>(owners_[expert]);
    locals_[expert] = counts[owner]++;
    experts_[first_[owner] + static_cast<std::size_t>(locals_[expert])] = static_cast<int>(expert);
  }
}

std::span<const int> Placement::experts_of(int rank) const noexcept {
  const auto index = static_cast<std::size_t>(rank);
  return std::span(experts_).subspan(first_[index], first_[index + 1] - first_[index]);
}

int Placement::largest_count() const noexcept {
  int largest = 0;
  for (int rank = 0; rank < ranks(); ++rank) largest = std::max(largest, count_of(rank));
  return largest;
}

}  // namespace tutti::moe
