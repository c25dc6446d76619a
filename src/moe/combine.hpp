// Combine: every rank tells all where its experts' rows lie, then sums the rows of its own tokens
// straight out of the memory of whoever has them.
#pragma once

#include <tutti/moe.h>

#include "channel/operation.hpp"
#include "moe/plan.hpp"

namespace tutti::moe {

struct CombineCall {
  tuttiMoeCombineArgs_t args;
  void* out;
};

// `layout`: of the dispatch before it, which may still be queued. tuttiInvalidArgument names the
// field; tuttiInvalidUsage without a dispatch, and for a reduction that its layout does not have.
CombineCall check_combine(const Config& config, const Plan& plan,
                          const std::optional<Layout>& layout, const tuttiMoeCombineArgs_t* args,
                          void* out);

OperationShape shape_of(const CombineCall& call);

void combine(const Operation& operation, Plan& plan, const CombineCall& call);

}  // namespace tutti::moe
