// A communicator of one rank: every collective is a copy, or a reduction of one source.
#pragma once

#include "channel/operation.hpp"
#include "collectives/request.hpp"

namespace tutti {

void run_alone(const Operation& operation, const Request& request);

}  // namespace tutti
