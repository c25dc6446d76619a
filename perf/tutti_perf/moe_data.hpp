// The data of the moe measurement: rows that encode (rank, token), what dispatch must deliver and
// what combine must return, computed from the routing of all ranks without the library.
#pragma once

#include <tutti/moe.h>

#include <cstddef>
#include <cstdint>
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
// Whether dispatched rows can be given to combine as they are.
bool same_type(const MoeCase& c);

// A row that dispatch delivers to this rank.
struct Arrival {
  int rank;
  std::size_t token, lane;  // the first lane here where a row stands for several
  std::int32_t expert;      // of that lane
};

// In the order in which dispatch delivers them to `c.rank`. `routings` is indexed by rank.
std::vector<Arrival> arrivals_of(const MoeCase& c, const std::vector<Routing>& routings);

// The rows and scales of this rank's tokens.
void fill_rows(const MoeCase& c, std::byte* rows, std::byte* side);
// What stands for the experts' results of the rows that arrived.
void fill_combine_rows(const MoeCase& c, const std::vector<Arrival>& arrivals, std::byte* rows);

// Elements, scales, ids, weights and row counts that are not what they must be.
std::size_t count_wrong_dispatch(const MoeCase& c, const std::vector<Routing>& routings,
                                 const std::vector<Arrival>& arrivals,
                                 const tuttiMoeOutput_t& output);
// Elements of out [tokens, hidden] whose bits differ from our own sum, after fill_combine_rows.
std::size_t count_wrong_combine(const MoeCase& c, const Routing& routing, const std::byte* out);

}  // namespace tutti::perf
