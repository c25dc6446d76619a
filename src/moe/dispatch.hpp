// Dispatch: every rank tells all where its tokens' rows lie, then pulls the rows that are for it,
// straight to their places in the output.
//
// Rows that peers cannot read in place are first copied to library memory, each once. An operation
// returns when the rank has its rows and every peer has read the rank's.
#pragma once

#include <tutti/moe.h>

#include "channel/operation.hpp"
#include "moe/plan.hpp"

namespace tutti::moe {

// Checked arguments; output as the caller set it.
struct DispatchCall {
  tuttiMoeDispatchArgs_t args;
  tuttiMoeOutput_t* output;
  Layout layout;
};

// tuttiInvalidArgument names the field.
DispatchCall check_dispatch(const Config& config, const Plan& plan,
                            const tuttiMoeDispatchArgs_t* args, tuttiMoeOutput_t* output);

OperationShape shape_of(const DispatchCall& call, const Plan& plan);

// False when the output is too small: nothing of it is written, output->num_rows says what is
// needed, and the peers have been served all the same.
bool dispatch(const Operation& operation, const Config& config, Plan& plan,
              const DispatchCall& call);

}  // namespace tutti::moe
