// All-to-all and all-gather for more ranks than cores. Every rank brings where its rows lie to an
// assembly, copies the others' rows to itself by Window::get, and comes to a second assembly, after
// which the buffers are the callers' again. Each rank is woken twice, whatever their number, where
// an exchange by lines rings everybody for every row; and where the kernel copies, nobody maps
// hundreds of heaps for a few bytes of each.
#pragma once

#include "channel/operation.hpp"
#include "collectives/request.hpp"
#include "collectives/selection.hpp"

namespace tutti {

// The first assembly finds out whether everybody's rows can be had that way; if not, they go by
// exchange(). An all-to-all in place copies its rows first, up to a limit that selection gives.
void exchange_assembly(const Operation& operation, const Request& request,
                       const Selection& selection);

}  // namespace tutti
