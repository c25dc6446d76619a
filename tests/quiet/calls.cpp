#include "tests/quiet/calls.hpp"

#include <cstring>
#include <functional>

namespace tutti::test {

namespace {

// Two blocks of shareable memory.
class Buffers {
 public:
  explicit Buffers(std::size_t bytes) {
    for (void*& block : blocks_) {
      if (tuttiMemAlloc(&block, bytes) != tuttiSuccess) std::abort();
      std::memset(block, 0, bytes);
    }
  }
  ~Buffers() {
    for (void* block : blocks_) tuttiMemFree(block);
  }
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;

  void* in() const { return blocks_[0]; }
  void* out() const { return blocks_[1]; }

 private:
  std::array<void*, 2> blocks_{};
};

class Collective final : public QuietCall {
 public:
  using Call = tuttiResult_t (*)(const Buffers& buffers, std::size_t bytes, tuttiComm_t comm);
  Collective(Call call, std::size_t bytes, tuttiComm_t comm)
      : buffers_(2 * bytes), call_(call), bytes_(bytes), comm_(comm) {}
  tuttiResult_t operator()() override { return call_(buffers_, bytes_, comm_); }

 private:
  Buffers buffers_;
  Call call_;
  std::size_t bytes_;
  tuttiComm_t comm_;
};

// A step of a small layer: 8 tokens, 8 experts, top 2, rows of 64 bfloat16.
class MoeStep final : public QuietCall {
 public:
  explicit MoeStep(tuttiComm_t comm) : buffers_(kTokens * kRowBytes) {
    tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
    config.num_experts = 8;
    config.max_tokens_per_rank = kTokens;
    config.max_topk = kTopK;
    config.max_row_bytes = kRowBytes;
    good_ = tuttiMoeGroupCreate(comm, &config, &group_) == tuttiSuccess &&
            tuttiMoePlanCreate(group_, &plan_) == tuttiSuccess;
    for (int i = 0; i < kTokens * kTopK; ++i) {
      ids_[static_cast<std::size_t>(i)] = (i / kTopK + 4 * (i % kTopK)) % 8;
    }
    weights_.fill(0.5F);
  }
  ~MoeStep() override {
    tuttiMoePlanDestroy(plan_);
    tuttiMoeGroupDestroy(group_);
  }
  bool good() const { return good_; }

  tuttiResult_t operator()() override {
    tuttiResult_t result =
        tuttiMoePlanUpdate(plan_, ids_.data(), tuttiInt32, kTopK, kTokens, kTopK);
    if (result != tuttiSuccess) return result;
    tuttiMoeDispatchArgs_t dispatch = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
    dispatch.rows = buffers_.in();
    dispatch.row_bytes = kRowBytes;
    dispatch.topk_weights = weights_.data();
    dispatch.layout = tuttiMoeLayoutExpert;
    tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
    result = tuttiMoeDispatch(plan_, &dispatch, &output, nullptr);
    if (result != tuttiSuccess) return result;
    tuttiMoeCombineArgs_t combine = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
    combine.rows = output.rows;
    combine.hidden = kRowBytes / 2;
    combine.reduction = tuttiMoeSourceOnly;
    return tuttiMoeCombine(plan_, &combine, buffers_.out(), nullptr);
  }

 private:
  static constexpr int kTokens = 8;
  static constexpr int kTopK = 2;
  static constexpr std::size_t kRowBytes = 128;

  Buffers buffers_;
  tuttiMoeGroup_t group_ = nullptr;
  tuttiMoePlan_t plan_ = nullptr;
  bool good_ = false;
  std::array<int, kTokens * kTopK> ids_{};
  std::array<float, kTokens * kTopK> weights_{};
};

tuttiResult_t all_reduce(const Buffers& buffers, std::size_t bytes, tuttiComm_t comm) {
  return tuttiAllReduce(buffers.in(), buffers.out(), bytes / sizeof(float), tuttiFloat32, tuttiSum,
                        comm, nullptr);
}
tuttiResult_t all_to_all(const Buffers& buffers, std::size_t bytes, tuttiComm_t comm) {
  return tuttiAlltoAll(buffers.in(), buffers.out(), bytes, tuttiInt8, comm, nullptr);
}
tuttiResult_t barrier(const Buffers&, std::size_t, tuttiComm_t comm) {
  return tuttiBarrier(comm, nullptr);
}

}  // namespace

std::unique_ptr<QuietCall> make_call(const std::string& name, tuttiComm_t comm) {
  struct Known {
    const char* name;
    Collective::Call call;
    std::size_t bytes;
  };
  for (const Known& known :
       {Known{"all_reduce_8", all_reduce, 8}, Known{"all_reduce_4096", all_reduce, 4096},
        Known{"all_to_all_8", all_to_all, 8}, Known{"all_to_all_4096", all_to_all, 4096},
        Known{"barrier", barrier, 8}}) {
    if (name == known.name) return std::make_unique<Collective>(known.call, known.bytes, comm);
  }
  if (name != "moe") return nullptr;
  auto step = std::make_unique<MoeStep>(comm);
  if (!step->good()) return nullptr;
  return step;
}

}  // namespace tutti::test
