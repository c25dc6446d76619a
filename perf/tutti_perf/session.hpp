// What the measurement of an operation needs: a rank's communicator, the options, and where results
// go.
#pragma once

#include <tutti/tutti.h>

#include "perf/tutti_perf/board.hpp"
#include "perf/tutti_perf/console.hpp"
#include "perf/tutti_perf/options.hpp"
#include "perf/tutti_perf/routings.hpp"
#include "perf/tutti_perf/time_keeper.hpp"
#include "perf/tutti_perf/verify.hpp"

namespace tutti::perf {

struct Session {
  const Options& options;
  Board& board;
  Console& console;
  TimeKeeper& time;
  Routings& routings;
  ReducedValues* reduced;  // of ranks that are fibres; nullptr: each rank computes its own
  tuttiComm_t comm;
  int rank;
  int ranks;
  bool oversubscribed;

  // In latency mode ranks begin an operation together: after a barrier, and at one virtual time.
  void begin_together() const;

  // The result of one row, which rank 0 reports: it alone knows the times.
  void keep(const Row& row) const {
    if (rank != 0) return;
    board.add_row(to_json(row));
    if (row.wrong) board.add_wrong(*row.wrong);
  }
};

// Lines that measure_* will print, for the progress bar.
std::size_t count_lines(const Options& options, Op op);

// Collective: measures and verifies every size, type and operator of a collective.
void measure_collective(const Session& session, Op op);

// Collective: measures and verifies dispatch and combine.
void measure_moe(const Session& session);

}  // namespace tutti::perf
