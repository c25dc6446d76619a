// An exchange whose rows are put where they belong. Who is to get a row says where, in its entry
// line; the sender puts it there and posts kReady behind it. Two ways where reading takes three,
// and at the end nobody waits for readers.
//
// A place that peers cannot write is announced as such. Then kReady says where the row lies, the
// receiver gets it, and kDone gives the row back to its owner.
//
// Ranks of the own group come first: their entries are there while others' are on the way.
#pragma once

#include "channel/operation.hpp"
#include "collectives/request.hpp"

namespace tutti {

// Needs stores or gets between all ranks: Situation::direct.
void exchange_push(const Operation& operation, const Request& request, int group);

}  // namespace tutti
