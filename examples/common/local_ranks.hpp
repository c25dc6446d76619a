// Ranks as child processes, or as threads, of this one: what a launcher does, in its smallest form.
#pragma once

#include <tutti/tutti.h>

#include <functional>

namespace example {

// What a rank does; `id` is where the ranks meet. Returns its exit code.
using RankBody = std::function<int(int rank, const tuttiUniqueId& id)>;

// Both run body(rank, id) for 0 <= rank < ranks and return 0, or the first exit code that is not.
// What it throws is printed, with the rank, and counts as 1.

// Children die with this process.
int run_process_ranks(int ranks, const RankBody& body);

int run_thread_ranks(int ranks, const RankBody& body);

// Whether a launcher started this process, so that Communicator::world() has a world to join: the
// variables of docs/launching.md.
bool launched();

}  // namespace example
