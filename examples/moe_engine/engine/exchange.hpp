// The way of a microbatch's tokens to their experts and back, beside what the rank computes
// meanwhile. This is the file to read to see how an engine uses Tutti.
#pragma once

#include <span>
#include <tutti/tutti.hpp>
#include <vector>

#include "../language/router.hpp"
#include "clock.hpp"

namespace moe_engine {

// What the experts of this rank have to do.
struct Arrivals {
  tuttiMoeLayout_t layout;
  float* rows;  // [num_rows, dim]: the library's memory; results replace inputs
  std::size_t num_rows;
  std::vector<std::int64_t> expert_offsets;  // EXPERT: the first row of each, then num_rows
  const std::int32_t* ids;                   // TOKEN: [num_rows, top_k], -1 elsewhere
  const float* weights;                      // TOKEN: [num_rows, top_k]
};

// Milliseconds.
struct ExchangeTimes {
  double dispatch_wait = 0, combine_wait = 0;  // the rank had nothing else to do
  double dispatch = 0, combine = 0;            // under way, waited for or not

  ExchangeTimes& operator+=(const ExchangeTimes& other);
};

// A plan and a stream. Each round is send, receive, give_back, finish, in this order, and all ranks
// make the same calls of all their exchanges in the same order. Between two of them a rank
// computes, or calls another exchange: that is how two microbatches overlap.
class Exchange {
 public:
  struct Shape {
    std::size_t tokens;  // at most
    std::size_t dim;
    int top_k;
    tuttiMoeLayout_t layout;
    int align;  // EXPERT: rows to which the rows of an expert are aligned
  };

  // `group` and `clock` must outlive this.
  Exchange(tutti::MoeGroup& group, const Shape& shape, const Clock& clock);

  // [tokens, dim]: what send() sends, in memory that other ranks read in place. Not to be changed
  // between send() and finish().
  std::span<float> rows() { return rows_; }

  // Rows to the ranks of their experts; returns at once. `routing` is read during the call, except
  // its weights, which live until finish().
  void send(const Routing& routing);

  // Waits for what other ranks have sent here.
  Arrivals& receive();

  // The results that stand in the arrivals' rows to where the tokens came from; returns at once.
  // out [n, dim] becomes their weighted sum plus `biases`, which live until finish().
  void give_back(std::span<const float* const> biases, float* out);

  // Waits until `out` is there; false, at once, when nothing was given back.
  bool finish();

  const ExchangeTimes& times() const { return times_; }

 private:
  // Runs begin, operation, end on the stream; their distance is added to `sum` when it is over.
  struct Interval {
    double begin = 0, end = 0;
  };
  template <typename F>
  void timed(Interval& interval, F operation);
  void wait(const Interval& interval, double& waited, double& under_way);

  Shape shape_;
  const Clock& clock_;
  tutti::MoePlan plan_;
  std::span<float> rows_;
  tuttiMoeOutput_t output_ = TUTTI_MOE_OUTPUT_INITIALIZER;
  Arrivals arrivals_;
  Interval dispatch_, combine_;
  bool given_back_ = false;
  ExchangeTimes times_;
  tutti::Stream stream_;  // last: it ends first, and waits for what uses the above
};

}  // namespace moe_engine
