// All-reduce of up to 48 bytes, and barrier: one line to every rank, one from every rank. Ranks
// fold in rank order, so that all get the same bits.
#pragma once

#include "channel/operation.hpp"
#include "collectives/request.hpp"

namespace tutti {

// Steps: post R - 1 lines, read R - 1 lines. Nothing is staged, nobody waits at the end.
void all_reduce_line(const Operation& operation, const Request& request);

}  // namespace tutti
