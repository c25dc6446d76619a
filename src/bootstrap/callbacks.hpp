// Meeting through the embedder's own all-gather (tuttiCommInitCallbacks).
#pragma once

#include <tutti/tutti.h>

#include <memory>

#include "bootstrap/bootstrap.hpp"

namespace tutti {

// `allgather` and `user` must stay valid as long as the Bootstrap. Deadlines are the embedder's. A
// non-zero answer is tuttiRemoteError.
std::unique_ptr<Bootstrap> make_callback_bootstrap(int ranks, Rank rank, tuttiAllGatherFn allgather,
                                                   void* user);

}  // namespace tutti
