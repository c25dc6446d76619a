// C++ facade: token dispatch and combine. Argument structs are moe.h's, whose every field is
// explained there; the typed calls fill them for the usual case.
#pragma once

#include <tutti/moe.h>

#include <tutti/communicator.hpp>
#include <utility>

namespace tutti {
inline namespace facade {

namespace detail {

// Throws the group's last error unless `code` is tuttiSuccess.
inline void check_group(tuttiResult_t code, tuttiMoeGroup_t group) {
  if (code != tuttiSuccess) [[unlikely]] {
    raise(code, tuttiMoeGetLastError(group));
  }
}

}  // namespace detail

// Sizes of a group to start from, filled as TUTTI_MOE_CONFIG_INITIALIZER.
inline tuttiMoeConfig_t moe_config() { return TUTTI_MOE_CONFIG_INITIALIZER; }

// Library memory per rank that such a group takes. Needs no communicator.
inline tuttiMoeMemory_t query_memory(const tuttiMoeConfig_t& config, int nranks) {
  tuttiMoeMemory_t memory{};
  detail::check(tuttiMoeQueryMemory(&config, nranks, &memory));
  return memory;
}

// What this rank will receive; see tuttiMoeCounts_t.
struct MoeCounts {
  std::size_t num_rows = 0;
  std::vector<std::int64_t> expert_counts;
  std::vector<std::int64_t> expert_offsets;  // EXPERT only
  std::vector<std::int64_t> source_counts;
  std::vector<tuttiMoeSource_t> sources;
};

// Collective to make. Ends after its plans and before its communicator.
class MoeGroup {
 public:
  MoeGroup(const Communicator& comm, const tuttiMoeConfig_t& config) : ranks_(comm.size()) {
    tuttiMoeGroup_t group = nullptr;
    detail::check(tuttiMoeGroupCreate(comm.get(), &config, &group), comm.get());
    handle_.reset(group);
  }

  tuttiMoeGroup_t get() const noexcept { return handle_.get(); }
  int ranks() const noexcept { return ranks_; }
  const char* last_error() const noexcept { return tuttiMoeGetLastError(get()); }

  // The experts of this rank, ascending; the group owns them.
  std::span<const int> local_experts() const {
    int count = 0;
    const int* experts = nullptr;
    check(tuttiMoeLocalExperts(get(), &count, &experts));
    return {experts, static_cast<std::size_t>(count)};
  }

  // "in_place" or "staged": how the last dispatch or combine went; "" before the first.
  const char* algorithm() const {
    const char* name = "";
    check(tuttiMoeGetAlgorithm(get(), &name));
    return name;
  }

  // A capacity in rows that is enough for any step.
  std::size_t recv_bound(tuttiMoeLayout_t layout, int align = 1) const {
    std::size_t rows = 0;
    check(tuttiMoeRecvBound(get(), layout, align, &rows));
    return rows;
  }

  // `count` zeroed elements that peers read in place; they live until the group ends.
  template <typename T>
  std::span<T> buffer(std::size_t count) {
    detail::require(count <= std::numeric_limits<std::size_t>::max() / sizeof(T),
                    "MoeGroup::buffer: more bytes than an address space holds");
    void* memory = nullptr;
    check(tuttiMoeBuffer(get(), count * sizeof(T), &memory));
    return {static_cast<T*>(memory), count};
  }

  // As the destructor, but throws; the group is whole then.
  void destroy() {
    check(tuttiMoeGroupDestroy(get()));
    (void)handle_.release();
  }

 private:
  struct Destroy {
    void operator()(tuttiMoeGroup_t group) const noexcept { (void)tuttiMoeGroupDestroy(group); }
  };

  void check(tuttiResult_t code) const { detail::check_group(code, get()); }

  int ranks_;
  std::unique_ptr<tuttiMoeGroup, Destroy> handle_;
};

// The routing of one step, and the operations on it. Ends before its group.
class MoePlan {
 public:
  explicit MoePlan(const MoeGroup& group)
      : group_(group.get()), ranks_(static_cast<std::size_t>(group.ranks())) {
    tuttiMoePlan_t plan = nullptr;
    check(tuttiMoePlanCreate(group_, &plan));
    handle_.reset(plan);
  }

  tuttiMoePlan_t get() const noexcept { return handle_.get(); }

  // topk_idx [n, k], dense: expert ids, -1 for an unused lane.
  template <Readable Ids>
  void update(const Ids& topk_idx, int k) {
    detail::require(k > 0 && std::ranges::size(topk_idx) % static_cast<std::size_t>(k) == 0,
                    "MoePlan::update: topk_idx is not [n, k]");
    const std::size_t n = std::ranges::size(topk_idx) / static_cast<std::size_t>(k);
    update(std::ranges::data(topk_idx), detail::type_of<Ids>, static_cast<std::size_t>(k),
           static_cast<int>(n), k);
  }
  void update(const void* topk_idx, tuttiDataType_t idx_type, std::size_t row_stride, int n,
              int k) {
    check(tuttiMoePlanUpdate(get(), topk_idx, idx_type, row_stride, n, k));
  }

  // Waits for every rank's update.
  void counts(tuttiMoeCounts_t& counts) const { check(tuttiMoePlanCounts(get(), &counts)); }
  MoeCounts counts(tuttiMoeLayout_t layout, int align = 1) const;

  void dispatch(const tuttiMoeDispatchArgs_t& args, tuttiMoeOutput_t& output,
                tuttiStream_t stream = nullptr) {
    check(tuttiMoeDispatch(get(), &args, &output, stream));
  }

  // rows [n, hidden], topk_weights [n, k] or empty (all 1); into library memory, valid until the
  // next dispatch of this plan or its end.
  template <Readable Rows>
  tuttiMoeOutput_t dispatch(const Rows& rows, std::size_t hidden,
                            std::span<const float> topk_weights, tuttiMoeLayout_t layout,
                            int align = 1) {
    detail::require(hidden > 0 && std::ranges::size(rows) % hidden == 0,
                    "MoePlan::dispatch: rows is not [n, hidden]");
    tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
    args.rows = std::ranges::data(rows);
    args.row_bytes = hidden * sizeof(std::ranges::range_value_t<Rows>);
    args.topk_weights = topk_weights.empty() ? nullptr : topk_weights.data();
    args.layout = layout;
    args.align = align;
    tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
    dispatch(args, output);
    return output;
  }

  void combine(const tuttiMoeCombineArgs_t& args, void* out, tuttiStream_t stream = nullptr) {
    check(tuttiMoeCombine(get(), &args, out, stream));
  }

  // rows [num_rows, hidden] where dispatch delivered; out [n, hidden].
  template <Readable Rows, Writable Out>
  requires SameElement<Rows, Out>
  void combine(const Rows& rows, std::size_t hidden, Out&& out, tuttiMoeReduction_t reduction,
               tuttiStream_t stream = nullptr) {
    tuttiMoeCombineArgs_t args = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
    args.rows = std::ranges::data(rows);
    args.hidden = hidden;
    args.type = detail::type_of<Rows>;
    args.reduction = reduction;
    combine(args, std::ranges::data(out), stream);
  }

 private:
  struct Destroy {
    void operator()(tuttiMoePlan_t plan) const noexcept { (void)tuttiMoePlanDestroy(plan); }
  };

  void check(tuttiResult_t code) const { detail::check_group(code, group_); }

  tuttiMoeGroup_t group_;
  std::size_t ranks_;
  std::unique_ptr<tuttiMoePlan, Destroy> handle_;
};

inline MoeCounts MoePlan::counts(tuttiMoeLayout_t layout, int align) const {
  MoeCounts result;
  int local = 0;
  check(tuttiMoeLocalExperts(group_, &local, nullptr));
  const auto experts = static_cast<std::size_t>(local);
  result.expert_counts.resize(experts);
  result.expert_offsets.resize(layout == tuttiMoeLayoutExpert ? experts + 1 : 0);
  result.source_counts.resize(ranks_);

  tuttiMoeCounts_t c_counts = TUTTI_MOE_COUNTS_INITIALIZER;
  c_counts.layout = layout;
  c_counts.align = align;
  c_counts.expert_counts = result.expert_counts.data();
  c_counts.expert_offsets = result.expert_offsets.empty() ? nullptr : result.expert_offsets.data();
  c_counts.source_counts = result.source_counts.data();
  counts(c_counts);

  // Now that their number is known.
  result.num_rows = c_counts.num_rows;
  result.sources.resize(result.num_rows);
  c_counts.sources = result.sources.data();
  c_counts.sources_capacity = result.sources.size();
  if (!result.sources.empty()) counts(c_counts);
  return result;
}

}  // namespace facade
}  // namespace tutti
