#include "exchange.hpp"

namespace moe_engine {

ExchangeTimes& ExchangeTimes::operator+=(const ExchangeTimes& other) {
  dispatch_wait += other.dispatch_wait;
  combine_wait += other.combine_wait;
  dispatch += other.dispatch;
  combine += other.combine;
  return *this;
}

Exchange::Exchange(tutti::MoeGroup& group, const Shape& shape, const Clock& clock)
    : shape_(shape),
      clock_(clock),
      plan_(group),
      rows_(group.buffer<float>(shape.tokens * shape.dim)),
      arrivals_{.layout = shape.layout,
                .rows = nullptr,
                .num_rows = 0,
                .expert_offsets = std::vector<std::int64_t>(group.local_experts().size() + 1),
                .ids = nullptr,
                .weights = nullptr} {}

void Exchange::send(const Routing& routing) {
  plan_.update(routing.experts, shape_.top_k);

  tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
  args.rows = rows_.data();
  args.row_bytes = shape_.dim * sizeof(float);
  args.topk_weights = routing.weights.data();
  args.layout = shape_.layout;
  args.align = shape_.align;
  args.flags = shape_.layout == tuttiMoeLayoutExpert ? TUTTI_MOE_ZERO_PADDING : 0;
  output_ = TUTTI_MOE_OUTPUT_INITIALIZER;  // rows == NULL: memory of the library, to compute in
  timed(dispatch_, [&] { plan_.dispatch(args, output_, stream_); });
}

Arrivals& Exchange::receive() {
  wait(dispatch_, times_.dispatch_wait, times_.dispatch);
  if (shape_.layout == tuttiMoeLayoutExpert) {
    tuttiMoeCounts_t counts = TUTTI_MOE_COUNTS_INITIALIZER;
    counts.layout = shape_.layout;
    counts.align = shape_.align;
    counts.expert_offsets = arrivals_.expert_offsets.data();
    plan_.counts(counts);
  }
  arrivals_.rows = static_cast<float*>(output_.rows);
  arrivals_.num_rows = output_.num_rows;
  arrivals_.ids = output_.ids;
  arrivals_.weights = output_.weights;
  return arrivals_;
}

void Exchange::give_back(std::span<const float* const> biases, float* out) {
  std::vector<const void*> pointers(biases.begin(), biases.end());
  tuttiMoeCombineArgs_t args = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
  args.rows = arrivals_.rows;  // in place, where dispatch delivered
  args.hidden = shape_.dim;
  args.type = tuttiFloat32;
  args.reduction = shape_.layout == tuttiMoeLayoutExpert ? tuttiMoeSourceOnly : tuttiMoeRankOrder;
  args.biases = pointers.data();
  args.num_biases = static_cast<int>(pointers.size());
  timed(combine_, [&] { plan_.combine(args, out, stream_); });
  given_back_ = true;
}

bool Exchange::finish() {
  if (!given_back_) return false;
  wait(combine_, times_.combine_wait, times_.combine);
  given_back_ = false;
  return true;
}

template <typename F>
void Exchange::timed(Interval& interval, F operation) {
  stream_.launch([this, &interval] { interval.begin = clock_.now(); });
  operation();
  stream_.launch([this, &interval] { interval.end = clock_.now(); });
}

void Exchange::wait(const Interval& interval, double& waited, double& under_way) {
  const double begin = clock_.now();
  stream_.synchronize();  // throws what went wrong on the way
  waited += clock_.now() - begin;
  under_way += interval.end - interval.begin;
}

}  // namespace moe_engine
