// A MoE step as an engine author writes it on MPI_Alltoallv: sort by destination rank, exchange
// counts, pack, all-to-all(v), place; back the same way, and a weighted sum at the token's owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "perf/common/routing.hpp"
#include "perf/peers/peer.hpp"

namespace tutti::perf {

struct MoeShape {
  int tokens;
  int hidden;
  int topk;
  int experts;
  bool expert_layout;  // rows grouped by local expert; otherwise in order of (source rank, token,
                       // lane)
  bool per_lane;  // a row travels for every (token, lane); otherwise one for every (token, rank)
};

// An item is a row that travels: (token, rank) or (token, lane), in the order (destination, token,
// lane). Rows that stay on their rank are never packed: they are copied once, from input to output.
class MoeStep {
 public:
  MoeStep(Peer& peer, const MoeShape& shape);

  // From routing to usable output: rows() in the layout's order. Both arguments live until combine
  // ends.
  void dispatch(const Routing& routing, const std::uint16_t* rows);

  // `rows` as dispatch laid them out. TOKEN with rows per rank: already weighted. out is [tokens,
  // hidden].
  void combine(const std::uint16_t* rows, std::uint16_t* out);

  std::size_t num_rows() const { return num_rows_; }
  std::span<const std::uint16_t> rows() const { return {rows_.data(), num_rows_ * hidden_}; }
  std::size_t items_sent() const { return items_.size(); }
  std::size_t items_to_others() const;

 private:
  struct Item {
    int token;
    std::size_t rank;
  };
  struct Lane {
    std::int32_t expert;  // local to the destination; -1: not there
    float weight;
  };

  // Dispatch.
  void count_items();
  void fill_items();
  void announce_items();
  void send_rows(const std::uint16_t* input, std::uint16_t* arrivals);
  void place_by_expert(const std::uint16_t* input);

  // Combine.
  const std::uint16_t* rows_by_arrival(const std::uint16_t* rows);
  const std::uint16_t* row_of_item(std::size_t item, const std::uint16_t* rows,
                                   const std::uint16_t* by_arrival) const;
  void sum_at_owner(const std::uint16_t* rows, const std::uint16_t* by_arrival, std::uint16_t* out);

  bool stays(std::size_t arrival) const { return arrival >= own_begin() && arrival < own_end(); }
  std::size_t own_begin() const { return arrival_begin_[me_]; }
  std::size_t own_end() const { return arrival_begin_[me_ + 1]; }
  Parts row_parts(const std::vector<std::size_t>& begin) const;

  Peer& peer_;
  const MoeShape shape_;
  const std::size_t ranks_;
  const std::size_t me_;
  const std::size_t hidden_;
  const std::size_t topk_;
  const std::size_t lanes_;           // lanes that an item carries: top-k, or 1
  std::vector<std::size_t> rank_of_;  // [experts]
  std::vector<int> first_expert_;     // [ranks + 1]
  const Routing* routing_ = nullptr;

  // Sending side.
  std::vector<Item> items_;
  std::vector<std::size_t> item_begin_;  // [ranks + 1] first item for each rank
  std::vector<std::size_t>
      token_items_;                      // [tokens, topk] items in the order of the sum, or kNoItem
  std::vector<Lane> lanes_out_;          // [items, lanes]
  std::vector<std::uint16_t> packed_;    // [items, hidden]
  std::vector<std::uint16_t> returned_;  // [items, hidden]

  // Receiving side; an arrival is an item of somebody, in the order (source, token, lane).
  std::vector<std::size_t> arrival_begin_;  // [ranks + 1]
  std::vector<Lane> lanes_in_;              // [arrivals, lanes]
  std::vector<std::size_t> slot_;           // EXPERT: [arrivals, lanes] row in rows_
  std::vector<std::uint16_t> arrived_;      // EXPERT: [arrivals, hidden]
  std::vector<std::uint16_t> by_arrival_;   // EXPERT: [arrivals, hidden] rows on their way back
  std::vector<std::uint16_t> rows_;
  std::size_t num_rows_ = 0;
};

}  // namespace tutti::perf
