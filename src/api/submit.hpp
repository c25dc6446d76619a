// What happens to a checked call: it runs now, or goes to a stream, or waits for the end of a
// group.
#pragma once

#include "api/boundary.hpp"

namespace tutti::api {

// In the communicator's Call.
inline void submit(Communicator& communicator, const Request& request, tuttiStream_t stream,
                   tuttiRedOp_t op = tuttiSum) {
  if (stream != nullptr) fail(tuttiInvalidUsage, "streams are not built in");
  const Communicator::Issued issued = communicator.issue(request, op);
  communicator.execute(issued, request);
}

inline void submit_reduction(Communicator& communicator, Request request, tuttiRedOp_t op,
                             tuttiStream_t stream) {
  if (op < 0 || op >= tuttiNumOps) [[unlikely]] {
    fail(tuttiInvalidArgument, "op is {}, which is no operator", static_cast<int>(op));
  }
  request.reducer.op = op;
  submit(communicator, request, stream, op);
}

}  // namespace tutti::api
