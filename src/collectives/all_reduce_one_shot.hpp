// All-reduce of small buffers: each rank copies its input to its staging and raises a mark;
// everybody then reads everybody's staging. One exchange of marks; credits keep the staging until
// all have read it.
#pragma once

#include "channel/operation.hpp"
#include "collectives/request.hpp"

namespace tutti {

// Needs request.bytes() <= slot_bytes. Reads R * bytes on every rank.
void all_reduce_one_shot(const Operation& operation, const Request& request);

}  // namespace tutti
