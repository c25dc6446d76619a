#include "perf/faults/calls.hpp"

#include <stdexcept>
#include <vector>

namespace tutti::faults {

namespace {

int ranks_of(tuttiComm_t comm) {
  int ranks = 0;
  tuttiCommCount(comm, &ranks);
  return ranks;
}

class Collective : public Calls {
 public:
  Collective(tuttiComm_t comm, std::size_t count, std::size_t rows)
      : comm_(comm), count_(count), in_(count * rows, 1.0F), out_(count * rows) {}
  std::string sentence() const override { return tuttiGetLastError(comm_); }

 protected:
  tuttiComm_t comm_;
  std::size_t count_;
  std::vector<float> in_, out_;
};

class AllReduce final : public Collective {
 public:
  explicit AllReduce(tuttiComm_t comm) : Collective(comm, 16384, 1) {}
  tuttiResult_t once() override {
    return tuttiAllReduce(in_.data(), out_.data(), count_, tuttiFloat, tuttiSum, comm_, nullptr);
  }
};

class AllToAll final : public Collective {
 public:
  explicit AllToAll(tuttiComm_t comm)
      : Collective(comm, 1024, static_cast<std::size_t>(ranks_of(comm))) {}
  tuttiResult_t once() override {
    return tuttiAlltoAll(in_.data(), out_.data(), count_, tuttiFloat, comm_, nullptr);
  }
};

class MoeStep final : public Calls {
 public:
  explicit MoeStep(tuttiComm_t comm)
      : rows_(std::size_t{kTokens} * kHidden, 1.0F),
        out_(rows_.size()),
        topk_(std::size_t{kTokens} * kTopK) {
    const int experts = 4 * ranks_of(comm);
    tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
    config.num_experts = experts;
    config.max_tokens_per_rank = kTokens;
    config.max_topk = kTopK;
    config.max_row_bytes = kHidden * sizeof(float);
    if (tuttiMoeGroupCreate(comm, &config, &group_) != tuttiSuccess ||
        tuttiMoePlanCreate(group_, &plan_) != tuttiSuccess) {
      throw std::runtime_error(tuttiGetLastError(comm));
    }
    for (std::size_t i = 0; i < topk_.size(); ++i) {
      const std::size_t token = i / kTopK;
      topk_[i] = static_cast<int>((token * 7 + i % kTopK * 5) % static_cast<std::size_t>(experts));
    }
  }

  tuttiResult_t once() override {
    tuttiResult_t code = tuttiMoePlanUpdate(plan_, topk_.data(), tuttiInt32, kTopK, kTokens, kTopK);
    if (code != tuttiSuccess) return code;
    tuttiMoeDispatchArgs_t dispatch = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
    dispatch.rows = rows_.data();
    dispatch.row_bytes = kHidden * sizeof(float);
    dispatch.layout = tuttiMoeLayoutExpert;
    tuttiMoeOutput_t arrived = TUTTI_MOE_OUTPUT_INITIALIZER;
    code = tuttiMoeDispatch(plan_, &dispatch, &arrived, nullptr);
    if (code != tuttiSuccess) return code;
    tuttiMoeCombineArgs_t combine = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
    combine.rows = arrived.rows;
    combine.hidden = kHidden;
    combine.type = tuttiFloat32;
    return tuttiMoeCombine(plan_, &combine, out_.data(), nullptr);
  }
  std::string sentence() const override { return tuttiMoeGetLastError(group_); }

 private:
  static constexpr int kTokens = 64;
  static constexpr int kTopK = 4;
  static constexpr int kHidden = 256;

  tuttiMoeGroup_t group_ = nullptr;
  tuttiMoePlan_t plan_ = nullptr;
  std::vector<float> rows_, out_;
  std::vector<int> topk_;
};

template <typename T>
std::unique_ptr<Calls> make(tuttiComm_t comm) {
  return std::make_unique<T>(comm);
}

}  // namespace

const std::array<Work, 3> kWork = {{
    {"all_reduce 64 KB", make<AllReduce>},
    {"all_to_all 4 KB per pair", make<AllToAll>},
    {"MoE dispatch and combine", make<MoeStep>},
}};

}  // namespace tutti::faults
