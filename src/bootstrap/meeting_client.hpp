// A rank's side of a meeting.
#pragma once

#include <tutti/tutti.h>

#include <memory>

#include "bootstrap/bootstrap.hpp"

namespace tutti {

// Joins the meeting of `ranks` ranks at `id` as `rank`; does not wait for the others, the first
// all_gather does. `timeout` is the deadline of joining and of each all_gather. tuttiInvalidUsage
// when the meeting refuses (rank or id used twice, different `ranks`) or is over,
// tuttiInvalidArgument for an id that is none, tuttiTimeout when the meeting's process does not
// answer. Ranks of a simulation meet in its memory.
std::unique_ptr<Bootstrap> join_meeting(const tuttiUniqueId& id, int ranks, Rank rank,
                                        Nanoseconds timeout);

}  // namespace tutti
