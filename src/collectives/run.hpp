// Runs a collective on an issued operation: the door between the communicator and the algorithms.
#pragma once

#include "channel/operation.hpp"
#include "collectives/request.hpp"
#include "collectives/selection.hpp"

namespace tutti {

// Returns when the request is complete on this rank, with the operation finished.
void run_collective(const Operation& operation, const Request& request,
                    const AlgorithmChoice& choice, const Selection& selection);

}  // namespace tutti
