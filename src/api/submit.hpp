// What happens to a checked call: it runs now, or goes to a stream, or waits for the end of a
// group.
#pragma once

#include <memory>

#include "api/boundary.hpp"
#include "communicator/work.hpp"

namespace tutti::api {

// Does a call with this stream run in its caller, now?
inline bool runs_now(tuttiStream_t stream) noexcept {
  return stream == nullptr && current_context().group == nullptr;
}

// Hands over a call that does not run now. In the communicator's Call.
void submit_later(std::unique_ptr<Work> work, tuttiStream_t stream);
void submit_later(std::unique_ptr<MessageWork> message, tuttiStream_t stream);

// In the communicator's Call. What runs now allocates nothing and takes no lock.
inline void submit(Communicator& communicator, const Request& request, tuttiStream_t stream,
                   tuttiRedOp_t op = tuttiSum) {
  if (runs_now(stream)) [[likely]] {
    const Communicator::Issued issued = communicator.issue(request, op);
    communicator.execute(issued, request);
  } else {
    submit_later(std::make_unique<CollectiveWork>(communicator, request, op), stream);
  }
}

inline void submit(Communicator& communicator, const Message& message, tuttiStream_t stream) {
  if (runs_now(stream)) [[likely]] {
    Transfer transfer{.message = message};
    communicator.number(transfer.message);
    communicator.transfer({&transfer, 1});
  } else {
    submit_later(std::make_unique<MessageWork>(communicator, message), stream);
  }
}

inline void submit_reduction(Communicator& communicator, Request request, tuttiRedOp_t op,
                             tuttiStream_t stream) {
  if (op < 0 || op >= tuttiNumOps) [[unlikely]] {
    request.reducer = communicator.operators().reducer(op, request.type);
  } else {
    request.reducer.op = op;
  }
  submit(communicator, request, stream, op);
}

}  // namespace tutti::api
