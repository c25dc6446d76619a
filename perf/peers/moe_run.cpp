#include "perf/peers/moe_run.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "perf/common/routing.hpp"
#include "perf/common/stopwatch.hpp"
#include "perf/peers/moe_step.hpp"
#include "perf/peers/sampling.hpp"
#include "perf/peers/weighted_sum.hpp"

namespace tutti::perf {
namespace {

// Exact in BF16, and different for neighbouring ranks, tokens and elements.
std::uint16_t input_value(std::size_t rank, std::size_t token, std::size_t h) {
  return float_to_bf16(static_cast<float>(1 + (rank * 31 + token * 7 + h * 3) % 127));
}

// What the stand-in for expert `e` multiplies by; a power of two keeps the product exact.
float expert_factor(std::int32_t e) { return static_cast<float>(1 << (e % 3)); }

class MoeRun {
 public:
  MoeRun(Peer& peer, const PeerOptions& options)
      : peer_(peer),
        options_(options),
        hidden_(static_cast<std::size_t>(options.hidden)),
        step_(peer, {options.tokens, options.hidden, options.topk, options.experts,
                     options.layout == "expert", options.rows_per == "lane"}) {
    const auto spec = parse_routing(options.routing);
    for (int r = 0; r < peer.ranks(); ++r) {
      routing_.push_back(
          make_routing(spec, {options.tokens, options.topk, options.experts}, options.seed, r));
    }
    const std::size_t elements = static_cast<std::size_t>(options.tokens) * hidden_;
    input_.resize(elements);
    output_.resize(elements);
    for (std::size_t i = 0; i < elements; ++i) {
      input_[i] = input_value(me(), i / hidden_, i % hidden_);
    }
  }

  std::vector<Row> run() {
    dispatch();
    std::size_t wrong_rows = 0;
    apply_experts(wrong_rows);
    combine();
    std::size_t wrong_sums = count_wrong_sums();
    Row dispatch_row = empty_row("dispatch");
    Row combine_row = empty_row("combine");
    // Both phases are timed in the order of a step; the other phase runs outside the clock.
    time_phases(dispatch_row, combine_row);
    if (options_.check) {
      std::fill(output_.begin(), output_.end(), std::uint16_t{0});
      apply_experts(wrong_rows);
      combine();
      wrong_sums += count_wrong_sums();
      dispatch_row.wrong = total(peer_, wrong_rows);
      combine_row.wrong = total(peer_, wrong_sums);
    }
    return {dispatch_row, combine_row};
  }

 private:
  std::size_t me() const { return static_cast<std::size_t>(peer_.rank()); }
  void dispatch() { step_.dispatch(routing_[me()], input_.data()); }
  void combine() { step_.combine(expert_rows_.data(), output_.data()); }

  void time_phases(Row& dispatch_row, Row& combine_row) {
    const auto n = static_cast<std::size_t>(options_.samples);
    std::vector<double> first(n);
    std::vector<double> second(n);
    for (int i = 0; i < options_.warmup; ++i) {
      dispatch();
      combine();
    }
    peer_.barrier();
    for (std::size_t i = 0; i < n; ++i) {
      if (options_.barrier_between) peer_.barrier();
      const double start = now_us();
      dispatch();
      const double middle = now_us();
      if (options_.barrier_between) peer_.barrier();
      const double again = options_.barrier_between ? now_us() : middle;
      combine();
      first[i] = middle - start;
      second[i] = now_us() - again;
    }
    fill(dispatch_row, first);
    fill(combine_row, second);
  }

  void fill(Row& row, const std::vector<double>& samples) {
    row.iters = samples.size();
    row.mode = options_.barrier_between ? "latency" : "throughput";
    row.time_us = summarize(peer_.gather(samples), peer_.ranks());
    row.algbw = static_cast<double>(row.moe->logical_bytes) / row.time_us.p50 / 1e3;
    row.busbw = static_cast<double>(row.moe->wire_bytes) / row.time_us.p50 / 1e3;
  }

  Row empty_row(const std::string& phase) {
    const auto all_lanes = [](const Routing& r) {
      return static_cast<std::size_t>(
          std::count_if(r.experts.begin(), r.experts.end(), [](auto e) { return e >= 0; }));
    };
    std::size_t lanes = 0;
    for (const Routing& r : routing_) lanes += all_lanes(r);
    MoeRow moe{.tokens = options_.tokens,
               .hidden = options_.hidden,
               .topk = options_.topk,
               .experts = options_.experts,
               .layout = options_.layout,
               .rows_per = options_.rows_per,
               .dispatch_type = "bf16",
               .combine_type = "bf16",
               .routing = options_.routing,
               .seed = options_.seed,
               .rows_sent = total(peer_, step_.items_sent()),
               .logical_bytes = lanes * hidden_ * 2,
               .wire_bytes = total(peer_, step_.items_to_others()) * hidden_ * 2};
    Row row{.bytes = static_cast<std::size_t>(options_.tokens) * hidden_ * 2,
            .count = static_cast<std::size_t>(options_.tokens) * hidden_,
            .type = "bfloat16"};
    row.phase = phase;
    row.moe = std::move(moe);
    return row;
  }

  bool is_local(std::int32_t expert) const {
    return expert >= 0 && owner_of_expert(expert, peer_.ranks(), options_.experts) == peer_.rank();
  }

  // Walks the rows in the layout's order (source, token, lane within each group), checks each
  // against its source, and writes what the experts make of it.
  void apply_experts(std::size_t& wrong) {
    expert_rows_.resize(step_.num_rows() * hidden_);
    std::size_t row = 0;
    if (options_.layout == "expert") {
      const int end = first_expert(peer_.rank() + 1, peer_.ranks(), options_.experts);
      for (int e = first_expert(peer_.rank(), peer_.ranks(), options_.experts); e < end; ++e) {
        walk(row, wrong, [e](std::int32_t expert) { return expert == e; });
      }
    } else {
      walk(row, wrong, [this](std::int32_t expert) { return is_local(expert); });
    }
    if (row != step_.num_rows()) ++wrong;
  }

  template <class Wanted>
  void walk(std::size_t& row, std::size_t& wrong, const Wanted& wanted) {
    const auto k = static_cast<std::size_t>(options_.topk);
    for (std::size_t source = 0; source < routing_.size(); ++source) {
      const Routing& routing = routing_[source];
      for (std::size_t t = 0; t < static_cast<std::size_t>(options_.tokens); ++t) {
        float scale = 0;
        for (std::size_t lane = t * k; lane < (t + 1) * k; ++lane) {
          const std::int32_t expert = routing.experts[lane];
          if (!wanted(expert)) continue;
          const bool summed = options_.layout == "token" && options_.rows_per == "rank";
          if (!summed) {
            check_row(row++, source, t, expert_factor(expert), wrong);
          } else {
            scale += routing.weights[lane] * expert_factor(expert);
          }
        }
        if (scale > 0) check_row(row++, source, t, scale, wrong);
      }
    }
  }

  void check_row(std::size_t row, std::size_t source, std::size_t token, float scale,
                 std::size_t& wrong) {
    if (row >= step_.num_rows()) {
      ++wrong;
      return;
    }
    const std::uint16_t* in = step_.rows().data() + row * hidden_;
    for (std::size_t h = 0; h < hidden_; ++h) {
      if (in[h] != input_value(source, token, h)) ++wrong;
      expert_rows_[row * hidden_ + h] = float_to_bf16(bf16_to_float(in[h]) * scale);
    }
  }

  std::size_t count_wrong_sums() const {
    const Routing& routing = routing_[me()];
    const auto k = static_cast<std::size_t>(options_.topk);
    std::size_t wrong = 0;
    for (std::size_t t = 0; t < static_cast<std::size_t>(options_.tokens); ++t) {
      float scale = 0;
      for (std::size_t lane = t * k; lane < (t + 1) * k; ++lane) {
        const std::int32_t expert = routing.experts[lane];
        if (expert >= 0) scale += routing.weights[lane] * expert_factor(expert);
      }
      for (std::size_t h = 0; h < hidden_; ++h) {
        const float expected = scale * bf16_to_float(input_value(me(), t, h));
        const float got = bf16_to_float(output_[t * hidden_ + h]);
        // Two roundings to BF16, 2^-9 relative each.
        if (!(std::fabs(got - expected) <= 0.01F * std::fabs(expected))) ++wrong;
      }
    }
    return wrong;
  }

  Peer& peer_;
  const PeerOptions& options_;
  const std::size_t hidden_;
  MoeStep step_;
  std::vector<Routing> routing_;  // of every rank: what should arrive is computed, not trusted
  std::vector<std::uint16_t> input_;
  std::vector<std::uint16_t> expert_rows_;
  std::vector<std::uint16_t> output_;
};

}  // namespace

std::vector<Row> run_moe(Peer& peer, const PeerOptions& options) {
  if (options.topk > options.experts) {
    throw std::invalid_argument("--topk must not exceed --experts");
  }
  return MoeRun(peer, options).run();
}

}  // namespace tutti::perf
