// Collectives of small and middle sizes whose bytes are put into the staging of who gets them
// (staged_push.hpp): half the way there and back of those that read. With groups of `group` ranks.
#pragma once

#include "channel/operation.hpp"
#include "collectives/request.hpp"
#include "collectives/staged_push.hpp"

namespace tutti {

// What each of them stages, for the same request.
StagedPush::Plan one_shot_push_plan(const Request& request, int ranks, int group);
StagedPush::Plan two_shot_push_plan(const Request& request, int ranks, int group);
StagedPush::Plan relay_plan(const Request& request, int ranks, int group);

// AllReduce and barrier: everybody gets everybody's bytes, and adds them up.
void one_shot_push(const Operation& operation, const Request& request, int group);

// AllReduce and ReduceScatter: everybody adds up a share, and AllReduce gathers them.
void two_shot_push(const Operation& operation, const Request& request, int group);

// AlltoAll and AllGather.
void relay(const Operation& operation, const Request& request, int group);

}  // namespace tutti
