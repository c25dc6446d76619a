// Which algorithm runs: the only place with sizes and thresholds. Where the transport tells its
// costs, a model of the algorithms decides (cost_model.hpp); elsewhere what was measured does.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "collectives/choice.hpp"
#include "collectives/cost_model.hpp"
#include "collectives/request.hpp"

namespace tutti {

// What the choice depends on; the same on every rank.
struct Situation {
  int ranks = 1;
  bool crowded = false;
  bool shared_words = true;  // Access::shared_words, of all ranks
  bool direct = true;        // any memory of a peer is reached by loads and stores, or by gets
  std::size_t slot_bytes = 0;
  bool any_source = false;       // puts are copied on their way: Channel::views_are_copies
  const Costs* costs = nullptr;  // outlive the selection; nullptr: not known
};

class Selection {
 public:
  // `forced`: TUTTI_ALGO, a choice's name, for the operations that it serves; others choose
  // freely. tuttiInvalidArgument if there is none of that name.
  Selection(const Situation& situation, const std::optional<std::string>& forced);

  // Throws tuttiInvalidUsage when the forced algorithm cannot run this call. From any thread.
  AlgorithmChoice choose(const Request& request) const;

  // Why: every choice that could run the call, by the time that the model predicts, shortest first.
  // Empty where no costs are known.
  struct Candidate {
    AlgorithmChoice choice;
    double ns;
  };
  std::vector<Candidate> candidates(const Request& request) const;
  // The same choices, by what they would take with other costs: what of a prediction is due to one
  // of them. The two lists have the same choices, each in its own order.
  std::vector<Candidate> candidates(const Request& request, const Costs& others) const;
  // The algorithms for calls of its kind of which none can run this one: it is too large for their
  // lines or staging, or has what they cannot do.
  std::vector<Algorithm> excluded(const Request& request) const;
  // Nullptr: not known.
  const Costs* costs() const noexcept { return situation_.costs; }

  // Exchange. Up to this many bytes a row is copied to staging though it could be read in place:
  // that saves the phase at the end that keeps the buffer readable.
  std::size_t eager_bytes() const noexcept;
  // The same for rows that cannot be read in place; larger ones are cut into chunks.
  std::size_t eager_plain_bytes() const noexcept;
  // From here on one copy by the kernel (Window::get) beats two of ours.
  static std::size_t least_get_bytes() noexcept;
  std::size_t chunk_bytes() const noexcept;
  // Staged rows to different peers under way at a time.
  std::size_t pipes() const noexcept;
  // Assembly: an all-to-all in place of up to this many bytes a rank is copied first.
  std::size_t copied_in_place_bytes() const noexcept;

 private:
  static bool serves(Algorithm algorithm, OperationKind kind);
  bool can(const AlgorithmChoice& choice, const Request& request) const;
  AlgorithmChoice choose_measured(const Request& request) const;
  AlgorithmChoice choose_modelled(const Request& request) const;
  CostModel model_of(const Costs& costs) const;
  std::vector<Candidate> candidates(const Request& request, const CostModel& model) const;

  // What the model said lately, by what its answer depends on.
  struct Remembered {
    OperationKind kind = OperationKind::kBarrier;
    bool scaled = false;
    tuttiDataType_t type = tuttiInt8;  // and operator: partial sums may be larger than elements
    tuttiRedOp_t op = tuttiSum;
    std::size_t bytes = 0;
    std::optional<AlgorithmChoice> choice;
  };

  Situation situation_;
  std::optional<AlgorithmChoice> forced_;
  std::optional<CostModel> model_;
  mutable std::mutex mutex_;
  mutable std::array<Remembered, 64> remembered_;  // under mutex_
};

}  // namespace tutti
