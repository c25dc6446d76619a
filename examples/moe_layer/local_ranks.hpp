// Ranks as child processes of this one: what a launcher does, in its smallest form.
#pragma once

#include <tutti/tutti.h>

#include <functional>

namespace moe_layer {

// Runs body(rank, id) in `ranks` child processes, where id is a fresh unique id, the same for all.
// Returns 0, or the first exit code that is not. The children die with this process.
int run_local_ranks(int ranks, const std::function<int(int rank, const tuttiUniqueId& id)>& body);

}  // namespace moe_layer
