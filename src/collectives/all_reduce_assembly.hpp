// All-reduce and barrier for more ranks than cores: each rank leaves its bytes with itself and
// counts up; the last to arrive reduces for all and wakes everybody with one call. R context
// switches, no more.
#pragma once

#include "channel/operation.hpp"
#include "collectives/request.hpp"

namespace tutti {

// Needs Access::shared_words and request.bytes() <= slot_bytes.
void all_reduce_assembly(const Operation& operation, const Request& request);

}  // namespace tutti
