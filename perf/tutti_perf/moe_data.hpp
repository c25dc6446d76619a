// The data of the moe measurement: rows that encode (rank, token), what dispatch must deliver and
// what combine must return, computed from the routing of all ranks without the library.
#pragma once

#include <tutti/moe.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "perf/common/routing.hpp"
#include "perf/tutti_perf/options.hpp"

namespace tutti::perf {

struct MoeCase {
  std::size_t tokens, hidden, topk;
  int experts;
  bool expert_layout;  // else TOKEN
  bool per_lane;       // else one row per (token, rank)
  RowType dispatch_type;
  bool combine_fp32;  // else bf16
  std::uint64_t seed;
  int rank, ranks;
};

MoeCase make_moe_case(const Options& options, int rank, int ranks);

// Of one row: payload, side payload (scales of quantised rows), and of a row given to combine.
std::size_t row_bytes(const MoeCase& c);
std::size_t side_bytes(const MoeCase& c);
std::size_t combine_row_bytes(const MoeCase& c);
// Are rows quantised from BF16, before they are dispatched as opaque bytes?
bool quantises(const MoeCase& c);
// Whether dispatched rows can be given to combine as they are.
bool same_type(const MoeCase& c);

// A row that dispatch delivers to this rank.
struct Arrival {
  int rank;
  std::size_t token, lane;  // the first lane here where a row stands for several
  std::int32_t expert;      // of that lane
};

// row[index] = value, of a row of T that need not be aligned.
template <class T>
void put_element(std::byte* row, std::size_t index, T value) {
  std::memcpy(row + index * sizeof(T), &value, sizeof(T));
}

// In the order in which dispatch delivers them to `c.rank`. `routings` is indexed by rank.
std::vector<Arrival> arrivals_of(const MoeCase& c, const std::vector<Routing>& routings);

// What moves, over all ranks: (token, lane) pairs, rows that are sent, and those that leave their
// rank.
struct Travel {
  std::size_t lanes = 0, rows = 0, rows_to_others = 0;
};
// Dispatch sends one row per (token, rank) unless the group says one per lane; to combine, layout
// EXPERT returns one per lane.
Travel count_travel(const MoeCase& c, const std::vector<Routing>& routings, bool dispatching);

// The rows and scales of this rank's tokens.
void fill_rows(const MoeCase& c, std::byte* rows, std::byte* side);
// What stands for the experts' results of the rows that arrived.
void fill_combine_rows(const MoeCase& c, const std::vector<Arrival>& arrivals, std::byte* rows);

// Element h of a token's row; exact in BF16, as are its products with result_scale.
float element_value(const MoeCase& c, int rank, std::size_t token, std::size_t h);
// What the stand-in for an expert, or in TOKEN for all experts of a rank, multiplies rows by.
float result_scale(const MoeCase& c, int rank, std::int32_t expert);
std::size_t element_bytes(RowType type);
// One row, and its scales, of any rank.
void fill_row(const MoeCase& c, int rank, std::size_t token, std::byte* row);
void fill_side(const MoeCase& c, int rank, std::size_t token, std::byte* side);

// Elements, scales, ids, weights and row counts that are not what they must be.
std::size_t count_wrong_dispatch(const MoeCase& c, const std::vector<Routing>& routings,
                                 const std::vector<Arrival>& arrivals,
                                 const tuttiMoeOutput_t& output);
// Elements of out [tokens, hidden] whose bits differ from our own sum, after fill_combine_rows.
std::size_t count_wrong_combine(const MoeCase& c, const Routing& routing, const std::byte* out);

}  // namespace tutti::perf
