// The layer on one rank: its experts, and a step from dispatch to combine. The part to read first.
#pragma once

#include <span>
#include <tutti/tutti.hpp>
#include <vector>

#include "config.hpp"
#include "experts.hpp"
#include "tokens.hpp"

namespace moe_layer {

// One step of one rank, in milliseconds. Only doubles: ranks gather it as an array.
struct StepReport {
  double dispatch = 0;  // PlanUpdate to rows in place
  double experts = 0;
  double wait = 0;  // for the rank with the most rows
  double combine = 0;
  double rows = 0;   // delivered here, without padding
  double bytes = 0;  // of those that came from other ranks
};
constexpr int kStepNumbers = sizeof(StepReport) / sizeof(double);

class Layer {
 public:
  // Collective. `comm` must outlive the layer.
  Layer(const Config& config, tutti::Communicator& comm);

  // Runs the tokens of `batch` through their experts, wherever those are: out [n, hidden].
  StepReport step(const Batch& batch, Bf16* out);

  // (token, lane) pairs that each local expert has seen so far; and the experts' global ids.
  const std::vector<std::int64_t>& loads() const { return loads_; }
  std::span<const int> expert_ids() const { return expert_ids_; }

 private:
  void dispatch(const Batch& batch);
  void count_rows(StepReport& report);
  void run_on_groups();
  void run_on_tokens();

  Config config_;
  tutti::Communicator& comm_;
  int rank_;
  tutti::MoeGroup group_;
  tutti::MoePlan plan_;
  std::span<const int> expert_ids_;
  std::span<Bf16> input_;  // library memory: other ranks read it in place
  tuttiMoeOutput_t arrived_ = TUTTI_MOE_OUTPUT_INITIALIZER;
  std::vector<std::int64_t> expert_counts_, expert_offsets_, source_counts_;
  std::vector<std::int64_t> loads_;
  std::vector<ExpertWeights> weights_;
  ExpertRunner runner_;
  std::vector<Bf16> block_;  // [block_rows, hidden]
  std::vector<float> sums_;  // TOKEN: [num_rows, hidden]
};

}  // namespace moe_layer
