// The serial oracle: one step of all ranks, made up from a case and a number, and what every rank
// must then receive and compute. Values encode (rank, token, element, step), so that a wrong row
// shows.
#pragma once

#include <tutti/moe.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "case.hpp"

namespace tutti::test {

// The rank of every expert of a case, and the expert's number there.
class Owners {
 public:
  explicit Owners(const Case& c);
  int rank_of(int expert) const { return ranks_[static_cast<std::size_t>(expert)]; }
  int local_of(int expert) const { return locals_[static_cast<std::size_t>(expert)]; }
  const int* data() const { return ranks_.data(); }
  std::vector<int> experts_of(int rank) const;

 private:
  std::vector<int> ranks_, locals_;
};

// What a rank brings to a step.
struct Outgoing {
  int tokens = 0;
  std::vector<int> ids;        // [n, K]
  std::vector<float> weights;  // [n, K]
};

// What a rank must receive.
struct Incoming {
  std::vector<tuttiMoeSource_t> rows;
  std::vector<std::int64_t> expert_counts, expert_offsets, source_counts;
  std::vector<int> ids;        // TOKEN [num_rows, K]
  std::vector<float> weights;  // TOKEN [num_rows, K], EXPERT [num_rows]
};

class Step {
 public:
  // Different steps of a case have different numbers of tokens.
  Step(const Case& c, int number);
  // The given routing instead of a made-up one; outgoing[r] is rank r's.
  Step(const Case& c, int number, std::vector<Outgoing> outgoing);

  const Outgoing& outgoing(int rank) const { return outgoing_[static_cast<std::size_t>(rank)]; }
  Incoming incoming(int rank) const;

  // Fills one row, side payload or bias.
  void input_row(int rank, int token, std::byte* row) const;
  void side_row(int rank, int token, std::byte* side) const;
  void bias_row(int which, int rank, int token, std::byte* row) const;
  // What the caller gives to combine for row `row` of `rank`: the expert's result (EXPERT), or the
  // weighted sum of the experts' results on this rank (TOKEN). Padding rows get NaN.
  void result_row(const Incoming& incoming, int rank, std::size_t row, std::byte* out) const;
  // What combine must return for a token: [hidden] of result_type.
  void combined_row(int rank, int token, std::byte* out) const;

 private:
  struct Lane {
    int source, token, lane, expert;
    float weight;
  };
  std::vector<Lane> lanes_of(int source, int token) const;
  bool by_expert() const { return case_.layout == tuttiMoeLayoutExpert; }
  bool shares_row(const Lane& a, const Lane& b) const;
  float input(int rank, int token, std::size_t element) const;
  float expert_value(const Lane& lane, std::size_t element) const;
  float row_value(const std::vector<Lane>& lanes, std::size_t element) const;
  std::uint32_t noise(std::uint32_t kind, int rank, int token, std::size_t element) const;

  Case case_;
  Owners owners_;
  std::uint32_t number_;
  std::vector<Outgoing> outgoing_;
};

// The first `count` steps of a case.
std::vector<Step> steps_of(const Case& c, int count);

}  // namespace tutti::test
