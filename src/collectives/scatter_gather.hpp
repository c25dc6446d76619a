// A broadcast of much: every rank takes a share from the root, and gives it to all others. Twice
// the bytes through every port, where the root alone would send them to each.
//
// Everybody says where its buffer lies; each gets its share of the root's; puts it into all other
// buffers and posts kReady behind it. A buffer that peers cannot write is announced as such; its
// owner then gets the shares where kReady says they lie, and kDone gives them back. The root waits
// until all shares have been taken (kTaken).
#pragma once

#include "channel/operation.hpp"
#include "collectives/request.hpp"

namespace tutti {

// Needs stores or gets between all ranks: Situation::direct.
void scatter_gather(const Operation& operation, const Request& request);

}  // namespace tutti
