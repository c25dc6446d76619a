// Starting ranks: as processes or threads of this program, or joining a launcher's world.
#pragma once

#include <tutti/tutti.h>

#include <functional>

#include "perf/tutti_perf/board.hpp"
#include "perf/tutti_perf/options.hpp"

namespace tutti::perf {

// What a rank runs once its communicator exists. Throws on failure.
using RankMain = std::function<void(tuttiComm_t comm)>;

// How a rank comes to its communicator. Throws on failure.
using Join = std::function<tuttiComm_t()>;

// A rank from joining to leaving. False when it failed: the board says why.
bool run_rank(Board& board, int rank, const Join& join, const RankMain& main);

// Runs `main` on every rank that this process answers for and returns when all have ended. What
// goes wrong is on the board: a rank's error, or the death of its process. When a rank fails, the
// others get the library's deadline to notice; who is still there then is killed.
void run_ranks(const Options& options, Board& board, const RankMain& main);

}  // namespace tutti::perf
