#include "api/submit.hpp"

#include "communicator/stream.hpp"

namespace tutti::api {

void submit_later(std::unique_ptr<Work> work, tuttiStream_t stream) {
  stream->enqueue(std::move(work));
}

}  // namespace tutti::api
