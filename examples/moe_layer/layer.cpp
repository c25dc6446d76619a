#include "layer.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace moe_layer {
namespace {

using example::narrow;

class Watch {
 public:
  // Milliseconds since the last call, or since the watch was made.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double, std::milli> passed = now - start_;
    start_ = now;
    return passed.count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

tuttiMoeConfig_t group_config(const Config& config) {
  tuttiMoeConfig_t sizes = tutti::moe_config();
  sizes.num_experts = config.experts;
  sizes.max_tokens_per_rank = std::max(config.tokens, 1);
  sizes.max_topk = config.topk;
  sizes.max_row_bytes = config.row_bytes();
  return sizes;
}

}  // namespace

Layer::Layer(const Config& config, tutti::Communicator& comm)
    : config_(config),
      comm_(comm),
      rank_(comm.rank()),
      group_(comm, group_config(config)),
      plan_(group_),
      expert_ids_(group_.local_experts()),
      input_(group_.buffer<Bf16>(static_cast<std::size_t>(config.tokens) *
                                 static_cast<std::size_t>(config.hidden))),
      expert_counts_(expert_ids_.size()),
      expert_offsets_(expert_ids_.size() + 1),
      source_counts_(static_cast<std::size_t>(config.ranks)),
      loads_(expert_ids_.size()),
      runner_(config),
      block_(runner_.block_rows() * static_cast<std::size_t>(config.hidden)) {
  for (const int expert : expert_ids_) weights_.push_back(make_weights(config, expert));
}

StepReport Layer::step(const Batch& batch, Bf16* out) {
  std::copy(batch.vectors.begin(), batch.vectors.end(), input_.begin());
  StepReport report;
  comm_.barrier();  // for clean times only: steps need no barrier

  Watch watch;
  dispatch(batch);
  report.dispatch = watch.lap();

  if (config_.layout == tuttiMoeLayoutExpert) {
    run_on_groups();
  } else {
    run_on_tokens();
  }
  report.experts = watch.lap();
  comm_.barrier();
  report.wait = watch.lap();

  tuttiMoeCombineArgs_t args = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
  args.rows = arrived_.rows;  // in place, where dispatch delivered
  args.hidden = static_cast<std::size_t>(config_.hidden);
  args.type = tuttiBfloat16;
  args.reduction = config_.layout == tuttiMoeLayoutExpert ? tuttiMoeSourceOnly : tuttiMoeRankOrder;
  plan_.combine(args, out);
  report.combine = watch.lap();

  count_rows(report);
  return report;
}

void Layer::dispatch(const Batch& batch) {
  plan_.update(batch.experts, config_.topk);

  tuttiMoeCounts_t counts = TUTTI_MOE_COUNTS_INITIALIZER;
  counts.layout = config_.layout;
  counts.align = static_cast<int>(runner_.block_rows());
  counts.expert_counts = expert_counts_.data();
  counts.expert_offsets = expert_offsets_.data();
  counts.source_counts = source_counts_.data();
  plan_.counts(counts);

  tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
  args.rows = input_.data();
  args.row_bytes = config_.row_bytes();
  args.topk_weights = batch.weights.data();
  args.layout = config_.layout;
  args.align = static_cast<int>(runner_.block_rows());
  args.flags = config_.layout == tuttiMoeLayoutExpert ? TUTTI_MOE_ZERO_PADDING : 0;
  arrived_ = TUTTI_MOE_OUTPUT_INITIALIZER;  // rows == NULL: memory of the library, to compute in
  plan_.dispatch(args, arrived_);
}

// EXPERT: every group begins at a multiple of block_rows, so it is whole blocks; results replace
// inputs.
void Layer::run_on_groups() {
  const auto hidden = static_cast<std::size_t>(config_.hidden);
  const std::size_t block_rows = runner_.block_rows();
  auto* rows = static_cast<Bf16*>(arrived_.rows);
  for (std::size_t e = 0; e < weights_.size(); ++e) {
    const auto end = static_cast<std::size_t>(expert_offsets_[e + 1]);
    for (auto row = static_cast<std::size_t>(expert_offsets_[e]); row < end; row += block_rows) {
      narrow(runner_.run(weights_[e], rows + row * hidden), rows + row * hidden,
             block_rows * hidden);
    }
  }
}

// TOKEN: a row visits several experts here; their results are weighted and summed here, by
// ascending expert, and the sum replaces the row.
void Layer::run_on_tokens() {
  const auto hidden = static_cast<std::size_t>(config_.hidden);
  const std::size_t block_rows = runner_.block_rows();
  auto* rows = static_cast<Bf16*>(arrived_.rows);
  sums_.assign(arrived_.num_rows * hidden, 0.0f);
  // (row * K + lane) of every visit, by expert.
  std::vector<std::vector<std::size_t>> visits(weights_.size());
  const auto lanes = static_cast<std::size_t>(config_.topk);
  for (std::size_t i = 0; i < arrived_.num_rows * lanes; ++i) {
    if (arrived_.ids[i] >= 0) visits[static_cast<std::size_t>(arrived_.ids[i])].push_back(i);
  }
  for (std::size_t e = 0; e < visits.size(); ++e) {
    for (std::size_t first = 0; first < visits[e].size(); first += block_rows) {
      const std::size_t count = std::min(block_rows, visits[e].size() - first);
      std::fill(block_.begin(), block_.end(), Bf16{0});
      for (std::size_t i = 0; i < count; ++i) {
        std::copy_n(rows + visits[e][first + i] / lanes * hidden, hidden, &block_[i * hidden]);
      }
      const float* y = runner_.run(weights_[e], block_.data());
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t visit = visits[e][first + i];
        float* sum = &sums_[visit / lanes * hidden];
        for (std::size_t h = 0; h < hidden; ++h)
          sum[h] += arrived_.weights[visit] * y[i * hidden + h];
      }
    }
  }
  narrow(sums_.data(), rows, sums_.size());
}

void Layer::count_rows(StepReport& report) {
  for (std::size_t e = 0; e < loads_.size(); ++e) loads_[e] += expert_counts_[e];
  const auto all = std::accumulate(source_counts_.begin(), source_counts_.end(), std::int64_t{0});
  const auto own = source_counts_[static_cast<std::size_t>(rank_)];
  report.rows = static_cast<double>(all);
  report.bytes = static_cast<double>(all - own) * static_cast<double>(config_.row_bytes());
}

}  // namespace moe_layer
