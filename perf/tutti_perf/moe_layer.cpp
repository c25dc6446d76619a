#include "perf/tutti_perf/moe_layer.hpp"

#include <algorithm>

#include "perf/tutti_perf/culprits.hpp"
#include "perf/tutti_perf/library.hpp"

namespace tutti::perf {

MoeLayer::MoeLayer(tuttiComm_t comm, const MoeCase& c) {
  tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
  config.num_experts = c.experts;
  config.max_tokens_per_rank = std::max(static_cast<int>(c.tokens), 1);
  config.max_topk = static_cast<int>(c.topk);
  config.max_row_bytes = std::max(row_bytes(c), combine_row_bytes(c));
  config.max_side_bytes = side_bytes(c);
  config.rows_per = c.per_lane ? tuttiMoeRowsPerLane : tuttiMoeRowsPerRank;
  perf::check(tuttiMoeGroupCreate(comm, &config, &group_), comm);
  check(tuttiMoePlanCreate(group_, &plan_));
}

MoeLayer::~MoeLayer() {
  tuttiMoePlanDestroy(plan_);
  tuttiMoeGroupDestroy(group_);
}

void MoeLayer::check(tuttiResult_t result) const {
  if (result == tuttiSuccess) return;
  std::string message = tuttiMoeGetLastError(group_);
  if (message.empty()) message = tuttiGetErrorString(result);
  throw Error(result, message, named_ranks(message));
}

std::string MoeLayer::algorithm() const {
  const char* name = "";
  check(tuttiMoeGetAlgorithm(group_, &name));
  return name;
}

std::byte* MoeLayer::allocate(std::size_t bytes, bool symmetric,
                              std::vector<std::byte>& owner) const {
  if (!symmetric) {
    owner.resize(bytes);
    return owner.data();
  }
  void* memory = nullptr;
  check(tuttiMoeBuffer(group_, std::max<std::size_t>(bytes, 1), &memory));
  return static_cast<std::byte*>(memory);
}

}  // namespace tutti::perf
