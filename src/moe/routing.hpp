// The routing of one step at its source: which token visits which rank, sorted for the ranks that
// read it.
//
// Memory shapes. Entries lie in memory that the caller gives (peers read it in place):
//   entries [M], M = lanes in use <= n * K, sorted by (destination rank, token, lane), stable
//   offsets [R + 1]: entries for rank d are [offsets[d], offsets[d + 1])
//   weights [M] beside them, in the same order (gather_weights), once dispatch knows the weights
// Entries of one (token, destination) are adjacent, so a reader counts rows per rank or per lane.
// What comes back is, per destination d, the row of d's layout that holds each of its entries
// (arrivals.hpp); return_map.hpp turns that into the places combine reads.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "moe/placement.hpp"

namespace tutti::moe {

// One lane of one token: the unit that ranks tell each other. Plain data, read from shared memory.
struct Entry {
  std::uint32_t token;
  std::uint32_t bits;  // lane (6 bits), via (6), expert number on its owner (20)

  static constexpr Entry make(std::uint32_t token, std::uint32_t lane, std::uint32_t expert) {
    return {token, lane | expert << 12};
  }
  constexpr std::uint32_t lane() const noexcept { return bits & 63u; }
  constexpr std::uint32_t expert() const noexcept { return bits >> 12; }

  // How the token's row comes to the destination (relays.hpp); the same in all its entries there.
  static constexpr std::uint32_t kDirect = 0;     // it reads it at the source
  static constexpr std::uint32_t kRelayed = 1;    // so it does, and its mates read it there
  static constexpr std::uint32_t kFirstMate = 2;  // it reads it at its mate number via - this
  static constexpr std::size_t kMostMates = 62;
  constexpr std::uint32_t via() const noexcept { return bits >> 6 & 63u; }
  constexpr void set_via(std::uint32_t via) noexcept { bits = (bits & ~(63u << 6)) | via << 6; }
};
static_assert(sizeof(Entry) == 8 && alignof(Entry) == 4);

// The router's choice, as tuttiMoePlanUpdate takes it. -1 is an unused lane.
struct TopK {
  const void* indices = nullptr;      // [n, k] expert ids, rows `row_stride` elements apart
  tuttiDataType_t type = tuttiInt32;  // or tuttiInt64
  std::size_t row_stride = 0;         // elements, >= k
  int tokens = 0;                     // n
  int lanes = 0;                      // k
};

struct RoutingLimits {
  int max_tokens = 0;
  int max_lanes = 0;
};

// Built anew every step; allocates only when made. `placement` and `entries` must outlive it.
class RoutingTable {
 public:
  // `entries` holds at least max_tokens * max_lanes.
  RoutingTable(const Placement& placement, RoutingLimits limits, std::span<Entry> entries);

  // Checks everything, then sorts. tuttiInvalidArgument names token and lane, and leaves the table
  // and the entries as they were.
  void build(const TopK& topk);

  int tokens() const noexcept { return tokens_; }
  int lanes() const noexcept { return lanes_; }
  int ranks() const noexcept { return placement_->ranks(); }

  std::span<const Entry> entries() const noexcept { return entries_.first(offsets_.back()); }
  std::span<const std::uint32_t> offsets() const noexcept { return offsets_; }
  std::span<const Entry> entries_for(int rank) const noexcept;
  // Tokens that visit `rank`, however many experts they visit there.
  std::uint32_t tokens_for(int rank) const noexcept {
    return distinct_[static_cast<std::size_t>(rank)];
  }

  // out[i] = weights[token, lane] of entry i, for all entries; weights is [n, k] dense, NULL stands
  // for 1.
  void gather_weights(const float* weights, std::span<float> out) const;

 private:
  template <typename Index>
  void build_from(const TopK& topk);
  template <typename Index>
  void check_and_count(const TopK& topk);

  const Placement* placement_;
  RoutingLimits limits_;
  std::span<Entry> entries_;
  int tokens_ = 0;
  int lanes_ = 0;
  std::vector<std::uint32_t> offsets_;   // [R + 1]
  std::vector<std::uint32_t> distinct_;  // [R]
  // Scratch: counts of the step under check, then where the next entry of each rank goes.
  std::vector<std::uint32_t> cursor_;            // [R]
  std::vector<std::uint32_t> distinct_scratch_;  // [R]
  // The stamp of the last token that named an expert, or visited a rank; stamps never repeat.
  std::vector<std::uint64_t> expert_stamp_;  // [E]
  std::vector<std::uint64_t> rank_stamp_;    // [R]
  std::uint64_t stamp_ = 0;
};

}  // namespace tutti::moe
