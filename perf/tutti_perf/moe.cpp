// Dispatch and combine of one MoE layer: dispatch is timed from PlanUpdate to usable output,
// combine to the finished sum, alternating as an engine calls them.
#include <tutti/moe.h>

#include <algorithm>
#include <cstring>

#include "perf/tutti_perf/library.hpp"
#include "perf/tutti_perf/moe_data.hpp"
#include "perf/tutti_perf/moe_layer.hpp"
#include "perf/tutti_perf/sample.hpp"
#include "perf/tutti_perf/session.hpp"

namespace tutti::perf {
namespace {

// As rows of collectives name element types.
std::string type_name(const std::string& row_type) {
  if (row_type == "bf16") return "bfloat16";
  if (row_type == "fp32") return "float";
  return row_type == "fp8" ? "float8e4m3" : row_type;
}

class MoeRun {
 public:
  explicit MoeRun(const Session& session)
      : session_(session),
        case_(make_moe_case(session.options, session.rank, session.ranks)),
        all_routings_(get_routings()),
        routings_(*all_routings_),
        arrivals_(needs_arrivals() ? arrivals_of(case_, routings_) : std::vector<Arrival>{}),
        layer_(session.comm, case_) {
    const bool symmetric = session.options.symmetric;
    std::byte* rows = layer_.allocate(case_.tokens * row_bytes(case_), symmetric, rows_);
    std::byte* side = layer_.allocate(case_.tokens * side_bytes(case_), symmetric, side_);
    if (moves()) fill_rows(case_, rows, side);
    prepare_dispatch(rows, side);
    prepare_combine();
  }

  void run() {
    Row dispatch_row = empty_row("dispatch");
    Row combine_row = empty_row("combine");
    Row* rows[] = {&dispatch_row, &combine_row};
    session_.console.show_progress("moe");
    time_phases(
        session_, [this](PhaseWatch& watch) { step(watch); }, rows);
    if (session_.options.check) run_checked(dispatch_row, combine_row);
    if (session_.rank == 0) session_.board.note_memory();
    for (Row* row : rows) {
      row->algbw = static_cast<double>(row->moe->logical_bytes) / row->time_us.p50 / 1e3;
      row->busbw = static_cast<double>(row->moe->wire_bytes) / row->time_us.p50 / 1e3;
      session_.keep(*row);
      session_.console.print_phase(*row);
    }
  }

 private:
  Routings::All get_routings() const {
    const MoeOptions& moe = session_.options.moe;
    return session_.routings.all(parse_routing(moe.routing), {moe.tokens, moe.topk, moe.experts},
                                 session_.options.seed, session_.ranks);
  }

  bool moves() const { return !session_.options.fabric.timing_only; }
  // To size buffers by them, or to know what must come.
  bool needs_arrivals() const { return moves() || !same_type(case_); }

  const Routing& own_routing() const { return routings_[static_cast<std::size_t>(case_.rank)]; }

  void prepare_dispatch(const std::byte* rows, const std::byte* side) {
    dispatch_args_.rows = rows;
    dispatch_args_.row_bytes = row_bytes(case_);
    dispatch_args_.side = side_bytes(case_) > 0 ? side : nullptr;
    dispatch_args_.side_bytes = side_bytes(case_);
    dispatch_args_.topk_weights = own_routing().weights.data();
    dispatch_args_.layout = case_.expert_layout ? tuttiMoeLayoutExpert : tuttiMoeLayoutToken;
    if (session_.options.symmetric) return;  // the library's own output
    const std::size_t capacity = std::max<std::size_t>(arrivals_.size(), 1);
    out_rows_.resize(capacity * row_bytes(case_));
    out_side_.resize(capacity * side_bytes(case_));
    out_ids_.resize(capacity * case_.topk);
    out_weights_.resize(capacity * case_.topk);
    output_.rows = out_rows_.data();
    output_.side = side_bytes(case_) > 0 ? out_side_.data() : nullptr;
    output_.ids = case_.expert_layout ? nullptr : out_ids_.data();
    output_.weights = out_weights_.data();
    output_.capacity_rows = capacity;
  }

  void prepare_combine() {
    combine_args_.hidden = case_.hidden;
    combine_args_.type = case_.combine_fp32 ? tuttiFloat32 : tuttiBfloat16;
    combine_args_.reduction = case_.expert_layout ? tuttiMoeSourceOnly : tuttiMoeRankOrder;
    const std::size_t sum_bytes = case_.tokens * combine_row_bytes(case_);
    // Plain memory, as an engine's, unless payload is not to be there.
    sums_ = layer_.allocate(sum_bytes, !moves(), plain_sums_);
    if (same_type(case_)) return;  // the dispatched rows themselves
    result_rows_ = layer_.allocate(arrivals_.size() * combine_row_bytes(case_),
                                   session_.options.symmetric, results_);
    if (moves()) fill_combine_rows(case_, arrivals_, result_rows_);
  }

  void dispatch() {
    if (session_.options.symmetric) output_.rows = nullptr;
    layer_.check(tuttiMoePlanUpdate(layer_.plan(), own_routing().experts.data(), tuttiInt32,
                                    case_.topk, static_cast<int>(case_.tokens),
                                    static_cast<int>(case_.topk)));
    if (quantises(case_)) {
      session_.time.quantise(case_.tokens, case_.hidden * element_bytes(RowType::kBf16));
    }
    layer_.check(tuttiMoeDispatch(layer_.plan(), &dispatch_args_, &output_, nullptr));
  }

  void combine() {
    combine_args_.rows = same_type(case_) ? output_.rows : result_rows_;
    layer_.check(tuttiMoeCombine(layer_.plan(), &combine_args_, sums_, nullptr));
  }

  void step(PhaseWatch& watch) {
    session_.begin_together();
    watch.time(0, [this] { dispatch(); });
    session_.begin_together();
    watch.time(1, [this] { combine(); });
  }

  void run_checked(Row& dispatch_row, Row& combine_row) {
    std::fill(plain_sums_.begin(), plain_sums_.end(), std::byte{0xa5});
    dispatch();
    dispatch_row.algorithm = layer_.algorithm();
    const std::size_t wrong = count_wrong_dispatch(case_, routings_, arrivals_, output_);
    dispatch_row.wrong = total(session_.comm, wrong);
    if (output_.num_rows == arrivals_.size() && same_type(case_)) {
      fill_combine_rows(case_, arrivals_, static_cast<std::byte*>(output_.rows));
    }
    combine();
    combine_row.algorithm = layer_.algorithm();
    combine_row.wrong = total(session_.comm, count_wrong_combine(case_, own_routing(), sums_));
  }

  Row empty_row(const std::string& phase) const {
    const MoeOptions& moe = session_.options.moe;
    const bool dispatching = phase == "dispatch";
    const std::size_t bytes = dispatching ? row_bytes(case_) : combine_row_bytes(case_);
    // Over all ranks, and for who reports it only.
    const Travel travel =
        session_.rank == 0 ? count_travel(case_, routings_, dispatching) : Travel{};
    Row row{.bytes = case_.tokens * bytes,
            .count = case_.tokens * case_.hidden,
            .type = type_name(dispatching ? moe.dispatch_type : moe.combine_type)};
    if (session_.options.word == "all") row.op = "moe";
    row.buffers = session_.options.buffers();
    row.oversubscribed = session_.oversubscribed;
    row.phase = phase;
    row.moe = MoeRow{.tokens = moe.tokens,
                     .hidden = moe.hidden,
                     .topk = moe.topk,
                     .experts = moe.experts,
                     .layout = moe.layout,
                     .rows_per = moe.rows_per,
                     .dispatch_type = moe.dispatch_type,
                     .combine_type = moe.combine_type,
                     .routing = moe.routing,
                     .seed = session_.options.seed,
                     .rows_sent = travel.rows,
                     .logical_bytes = travel.lanes * bytes,
                     .wire_bytes = travel.rows_to_others * bytes};
    return row;
  }

  const Session& session_;
  const MoeCase case_;
  const Routings::All all_routings_;
  const std::vector<Routing>&
      routings_;  // of every rank: what must arrive is computed, not trusted
  const std::vector<Arrival> arrivals_;
  MoeLayer layer_;
  // Plain memory; empty with symmetric buffers.
  std::vector<std::byte> rows_, side_, results_, out_rows_, out_side_;
  std::vector<std::int32_t> out_ids_;
  std::vector<float> out_weights_;
  std::vector<std::byte> plain_sums_;
  std::byte* sums_ = nullptr;
  std::byte* result_rows_ = nullptr;
  tuttiMoeDispatchArgs_t dispatch_args_ = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
  tuttiMoeOutput_t output_ = TUTTI_MOE_OUTPUT_INITIALIZER;
  tuttiMoeCombineArgs_t combine_args_ = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
};

}  // namespace

void measure_moe(const Session& session) {
  session.console.begin(Op::kMoe, session.options.root);
  MoeRun(session).run();
}

}  // namespace tutti::perf
