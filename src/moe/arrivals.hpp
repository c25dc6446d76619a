// What one rank receives in a step: from every source's entries, the row at which each of them
// lands.
//
// Memory shapes. Source r's entries for this rank are a span of M_r entries in r's memory. The
// result,
//   rows [M_0 + M_1 + ...]: rows_of(r) = the slice of source r, parallel to its entries,
// lies in memory that the caller gives: source r reads its slice in place to find its rows in
// combine. Rows inside every group ascend by (source rank, token, lane).
#pragma once

#include <tutti/moe.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "moe/routing.hpp"

namespace tutti::moe {

struct Layout {
  tuttiMoeLayout_t kind = tuttiMoeLayoutToken;
  tuttiMoeRowsPer_t rows_per = tuttiMoeRowsPerRank;  // TOKEN only; EXPERT has a row per lane anyway
  std::uint32_t align = 1;                           // EXPERT only; 0 is 1

  friend bool operator==(const Layout&, const Layout&) = default;
};

// The layout that a call asks for; alignment means something to EXPERT only.
constexpr Layout layout_of(tuttiMoeLayout_t kind, tuttiMoeRowsPer_t rows_per, int align) {
  const bool aligned = kind == tuttiMoeLayoutExpert && align > 1;
  return {kind, rows_per, aligned ? static_cast<std::uint32_t>(align) : 1u};
}

// Arranged anew every step, and again when another layout is asked for; allocates only when made.
class Arrivals {
 public:
  // `rows` holds as many as this rank can receive: max_entries (bounds.hpp).
  Arrivals(int local_experts, int ranks, std::span<std::uint32_t> rows);

  // entries[r] = what source r sends here, in its order; the spans are read by later calls too. A
  // source whose entries name an expert that is not here: tuttiRemoteError, naming it.
  void arrange(const Layout& layout, std::span<const std::span<const Entry>> entries);

  const Layout& layout() const noexcept { return layout_; }
  std::size_t num_rows() const noexcept { return num_rows_; }  // padding included
  std::span<const std::uint32_t> rows_of(int source) const noexcept;

  std::span<const std::int64_t> expert_counts() const noexcept { return expert_counts_; }  // [L]
  // EXPERT: [L + 1], every group a multiple of align rows long, the last entry num_rows. TOKEN:
  // zeros.
  std::span<const std::int64_t> expert_offsets() const noexcept { return expert_offsets_; }
  std::span<const std::int64_t> source_counts() const noexcept { return source_counts_; }  // [R]

  // Where every row comes from; padding rows get rank -1. `out` holds num_rows.
  void list_sources(std::span<tuttiMoeSource_t> out) const;

  // TOKEN: local expert ids [num_rows, k], -1 where a lane is not for this rank, and weights beside
  // them, 0 there. weights[r] is parallel to source r's entries. Either output may be NULL.
  void fill_lanes(int k, std::span<const std::span<const float>> weights, std::int32_t* ids,
                  float* out_weights) const;
  // EXPERT: weights [num_rows], 0 in padding.
  void fill_weights(std::span<const std::span<const float>> weights, std::span<float> out) const;

 private:
  void count(std::span<const std::span<const Entry>> entries);
  void arrange_tokens();
  void arrange_experts();
  std::span<std::uint32_t> slice_of(std::size_t source) const noexcept;

  Layout layout_;
  std::size_t num_rows_ = 0;
  std::span<std::uint32_t> rows_;
  std::vector<std::span<const Entry>> entries_;  // [R]
  std::vector<std::size_t> first_;               // [R + 1] into rows_
  std::vector<std::int64_t> expert_counts_;
  std::vector<std::int64_t> expert_offsets_;
  std::vector<std::int64_t> source_counts_;
  std::vector<std::uint32_t> cursor_;  // [L], scratch
};

}  // namespace tutti::moe
