// A rank's side of a meeting.
#pragma once

#include <tutti/tutti.h>

#include <memory>

#include "bootstrap/bootstrap.hpp"

namespace tutti {

// What a rank makes of nobody listening at a meeting's place, or somebody who knows another secret.
enum class Beginning {
  kBefore,  // the meeting began before its id was known: it is over
  kAwaited  // the id was worked out beforehand: the meeting is yet to begin
};

// Joins the meeting of `ranks` ranks at `id` as `rank`; does not wait for the others, the first
// all_gather does. `timeout` is the deadline of joining and of each all_gather. tuttiInvalidUsage
// when the meeting refuses (rank or id used twice, different `ranks`) or is over,
// tuttiInvalidArgument for an id that is none, tuttiTimeout when the meeting's process does not
// answer, or does not begin. Ranks of a simulation meet in its memory.
std::unique_ptr<Bootstrap> join_meeting(const tuttiUniqueId& id, int ranks, Rank rank,
                                        Nanoseconds timeout,
                                        Beginning beginning = Beginning::kBefore);

}  // namespace tutti
