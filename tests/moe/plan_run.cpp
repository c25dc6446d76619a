#include "plan_run.hpp"

#include <algorithm>
#include <cstring>

#include "small_float.hpp"

namespace tutti::test {
namespace {

constexpr std::byte kUntouched{0xA5};
constexpr std::size_t kGuard = 64;  // bytes after an output that nobody may write

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// Index of the first byte that differs, or -1.
std::ptrdiff_t first_difference(const std::byte* a, const std::byte* b, std::size_t bytes) {
  const auto [x, y] = std::mismatch(a, a + bytes, b);
  return x == a + bytes ? -1 : x - a;
}

bool same_source(const tuttiMoeSource_t& a, const tuttiMoeSource_t& b) {
  return a.rank == b.rank && a.token == b.token && a.lane == b.lane;
}

}  // namespace

tuttiMoeConfig_t config_of(const Case& c, const Owners& owners) {
  tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
  config.num_experts = c.experts;
  config.expert_to_rank = c.scattered ? owners.data() : nullptr;
  config.max_tokens_per_rank = c.max_tokens();
  config.max_topk = c.topk;
  config.max_row_bytes = std::max(c.row_bytes(), c.result_bytes());
  config.max_side_bytes = at(c.side_bytes);
  config.rows_per = c.rows_per;
  return config;
}

Block::Block(tuttiMoeGroup_t group, Memory kind, std::size_t bytes) {
  void* pointer = nullptr;
  bytes = std::max<std::size_t>(bytes, 1);
  if (kind == Memory::kHeap) {
    EXPECT_EQ(tuttiMemAlloc(&pointer, bytes), tuttiSuccess) << tuttiGetLastError(nullptr);
    heap_ = pointer;
  } else if (kind == Memory::kBuffer) {
    EXPECT_EQ(tuttiMoeBuffer(group, bytes, &pointer), tuttiSuccess) << tuttiMoeGetLastError(group);
  } else {
    plain_.resize(bytes);
    pointer = plain_.data();
  }
  data_ = static_cast<std::byte*>(pointer);
}

Block::~Block() {
  if (heap_ != nullptr) {
    EXPECT_EQ(tuttiMemFree(heap_), tuttiSuccess) << tuttiGetLastError(nullptr);
  }
}

PlanRun::PlanRun(GroupScope& group, int rank, const Case& c, std::span<const Step> steps)
    : group_(group), rank_(rank), c_(c), plan_(group.new_plan()) {
  std::size_t most_rows = 0;
  for (const Step& step : steps) most_rows = std::max(most_rows, step.incoming(rank).rows.size());
  std::size_t bound = 0;
  EXPECT_TRUE(succeeded("tuttiMoeRecvBound", tuttiMoeRecvBound(group, c.layout, c.align, &bound),
                        tuttiMoeGetLastError(group)));
  EXPECT_GE(bound, most_rows);
  input_ = Block(group, c.input, at(c.max_tokens()) * stride(c.row_bytes()));
  results_ = Block(group, c.results, most_rows * stride(c.result_bytes()));
}

void PlanRun::update(const Step& step) {
  const Outgoing& out = step.outgoing(rank_);
  const std::size_t k = at(c_.topk), ids_stride = c_.padded_stride ? k + 3 : k;
  std::vector<std::int64_t> wide(at(out.tokens) * ids_stride, 1 << 30);
  std::vector<std::int32_t> narrow(wide.size(), 1 << 30);
  for (std::size_t i = 0; i < out.ids.size(); ++i) {
    wide[i / k * ids_stride + i % k] = narrow[i / k * ids_stride + i % k] = out.ids[i];
  }
  const void* ids = c_.wide_ids ? static_cast<const void*>(wide.data()) : narrow.data();
  MOE_OK(group_, tuttiMoePlanUpdate(plan_, ids, c_.wide_ids ? tuttiInt64 : tuttiInt32, ids_stride,
                                    out.tokens, c_.topk));
}

void PlanRun::counts(const Step& step) {
  const Incoming want = step.incoming(rank_);
  tuttiMoeCounts_t got = TUTTI_MOE_COUNTS_INITIALIZER;
  std::vector<std::int64_t> experts(want.expert_counts.size(), -7), sources(at(c_.ranks), -7);
  std::vector<std::int64_t> offsets(experts.size() + 1, -7);
  std::vector<tuttiMoeSource_t> rows(want.rows.size() + 1, {-7, -7, -7});
  got.layout = c_.layout;
  got.align = c_.align;
  got.expert_counts = experts.data();
  got.expert_offsets = c_.layout == tuttiMoeLayoutExpert ? offsets.data() : nullptr;
  got.source_counts = sources.data();
  got.sources = rows.data();
  got.sources_capacity = want.rows.size();
  MOE_OK(group_, tuttiMoePlanCounts(plan_, &got));
  EXPECT_EQ(got.num_rows, want.rows.size());
  EXPECT_EQ(experts, want.expert_counts);
  if (c_.layout == tuttiMoeLayoutExpert) {
    EXPECT_EQ(offsets, want.expert_offsets);
  }
  EXPECT_EQ(sources, want.source_counts);
  EXPECT_TRUE(std::equal(want.rows.begin(), want.rows.end(), rows.begin(), same_source));
  EXPECT_EQ(rows.back().rank, -7) << "written behind sources_capacity";
}

void PlanRun::dispatch(const Step& step, tuttiStream_t stream) {
  const int n = step.outgoing(rank_).tokens;
  const std::size_t num_rows = step.incoming(rank_).rows.size(), row_bytes = c_.row_bytes();
  side_.assign(at(n) * at(c_.side_bytes), std::byte{0});
  for (int t = 0; t < n; ++t) {
    step.input_row(rank_, t, input_.data() + at(t) * stride(row_bytes));
    step.side_row(rank_, t, side_.data() + at(t) * at(c_.side_bytes));
  }
  tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
  args.rows = input_.data();
  args.row_stride = c_.padded_stride ? stride(row_bytes) : 0;
  args.row_bytes = row_bytes;
  args.side = c_.side_bytes > 0 ? side_.data() : nullptr;
  args.side_bytes = at(c_.side_bytes);
  args.topk_weights = c_.no_weights ? nullptr : step.outgoing(rank_).weights.data();
  args.layout = c_.layout;
  args.align = c_.align;
  args.flags = TUTTI_MOE_ZERO_PADDING;
  output_ = TUTTI_MOE_OUTPUT_INITIALIZER;
  if (c_.caller_output) {
    const std::size_t lanes = c_.layout == tuttiMoeLayoutExpert ? 1 : at(c_.topk);
    own_rows_.assign(num_rows * row_bytes + kGuard, kUntouched);
    own_side_.assign(num_rows * at(c_.side_bytes) + kGuard, kUntouched);
    own_ids_.assign(num_rows * lanes + 1, -7);
    own_weights_.assign(num_rows * lanes + 1, -7);
    output_.rows = own_rows_.data();
    output_.side = own_side_.data();
    output_.ids = own_ids_.data();
    output_.weights = own_weights_.data();
    output_.capacity_rows = num_rows;
  }
  MOE_OK(group_, tuttiMoeDispatch(plan_, &args, &output_, stream));
}

void PlanRun::check_dispatched(const Step& step) {
  const Incoming in = step.incoming(rank_);
  ASSERT_EQ(output_.num_rows, in.rows.size());
  check_rows(step, in);
  if (c_.layout == tuttiMoeLayoutToken) {
    EXPECT_TRUE(std::equal(in.ids.begin(), in.ids.end(), output_.ids)) << "local expert ids";
  }
  EXPECT_TRUE(std::equal(in.weights.begin(), in.weights.end(), output_.weights)) << "weights";
  if (!c_.caller_output) return;
  EXPECT_EQ(output_.rows, own_rows_.data());
  EXPECT_EQ(own_weights_.back(), -7);
  for (const auto* bytes : {&own_rows_, &own_side_}) {
    EXPECT_TRUE(std::all_of(bytes->end() - kGuard, bytes->end(), [](std::byte b) {
      return b == kUntouched;
    })) << "written behind the output";
  }
}

void PlanRun::check_rows(const Step& step, const Incoming& in) {
  std::vector<std::byte> row(c_.row_bytes()), side(at(c_.side_bytes));
  const auto* rows = static_cast<const std::byte*>(output_.rows);
  const auto* sides = static_cast<const std::byte*>(output_.side);
  for (std::size_t i = 0; i < in.rows.size(); ++i) {
    const tuttiMoeSource_t& from = in.rows[i];
    std::fill(row.begin(), row.end(), std::byte{0});  // TUTTI_MOE_ZERO_PADDING
    if (from.rank >= 0) step.input_row(from.rank, from.token, row.data());
    ASSERT_EQ(first_difference(rows + i * row.size(), row.data(), row.size()), -1)
        << "row " << i << " from rank " << from.rank << ", token " << from.token << ", lane "
        << from.lane;
    if (from.rank < 0 || side.empty()) continue;
    step.side_row(from.rank, from.token, side.data());
    ASSERT_EQ(first_difference(sides + i * side.size(), side.data(), side.size()), -1)
        << "side of row " << i;
  }
}

void PlanRun::combine(const Step& step, tuttiStream_t stream) {
  const Incoming in = step.incoming(rank_);
  const std::size_t bytes = c_.result_bytes();
  const std::size_t distance = c_.in_place ? bytes : stride(bytes);
  auto* rows = c_.in_place ? static_cast<std::byte*>(output_.rows) : results_.data();
  for (std::size_t i = 0; i < in.rows.size(); ++i) {
    step.result_row(in, rank_, i, rows + i * distance);
  }
  const int n = step.outgoing(rank_).tokens;
  biases_.assign(at(c_.biases), std::vector<std::byte>(at(n) * bytes));
  bias_pointers_.clear();
  for (int b = 0; b < c_.biases; ++b) {
    for (int t = 0; t < n; ++t) step.bias_row(b, rank_, t, &biases_[at(b)][at(t) * bytes]);
    bias_pointers_.push_back(biases_[at(b)].data());
  }
  out_.assign(at(n) * bytes + kGuard, kUntouched);
  tuttiMoeCombineArgs_t args = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
  args.rows = rows;
  args.row_stride = distance == bytes ? 0 : distance;
  args.hidden = at(c_.hidden);
  args.type = c_.result_type();
  args.reduction = c_.layout == tuttiMoeLayoutExpert ? tuttiMoeSourceOnly : tuttiMoeRankOrder;
  args.biases = bias_pointers_.data();
  args.num_biases = c_.biases;
  MOE_OK(group_, tuttiMoeCombine(plan_, &args, out_.data(), stream));
}

void PlanRun::check_combined(const Step& step) {
  const std::size_t bytes = c_.result_bytes();
  std::vector<std::byte> want(bytes);
  for (int t = 0; t < step.outgoing(rank_).tokens; ++t) {
    step.combined_row(rank_, t, want.data());
    for (std::size_t h = 0; h < at(c_.hidden); ++h) {
      const float expected = load(want.data(), h, c_.result_type());
      const float got = load(&out_[at(t) * bytes], h, c_.result_type());
      ASSERT_EQ(got, expected) << "token " << t << ", element " << h;  // +0 and -0 are equal
    }
  }
  EXPECT_TRUE(std::all_of(out_.end() - kGuard, out_.end(), [](std::byte b) {
    return b == kUntouched;
  })) << "written behind the sums";
}

void PlanRun::whole(const Step& step, bool ask_counts) {
  update(step);
  if (ask_counts) counts(step);
  dispatch(step);
  check_dispatched(step);
  combine(step);
  check_combined(step);
}

}  // namespace tutti::test
