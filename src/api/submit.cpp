#include "api/submit.hpp"

#include "communicator/group.hpp"
#include "communicator/stream.hpp"

namespace tutti::api {

namespace {

template <typename Kind>
void hand_over(std::unique_ptr<Kind> work, tuttiStream_t stream) {
  if (stream != nullptr) stream->check_process();
  if (Group* group = Group::current()) {
    group->add(std::move(work), stream);
  } else {
    stream->enqueue(std::move(work));
  }
}

}  // namespace

void submit_later(std::unique_ptr<Work> work, tuttiStream_t stream) {
  hand_over(std::move(work), stream);
}

void submit_later(std::unique_ptr<MessageWork> message, tuttiStream_t stream) {
  hand_over(std::move(message), stream);
}

}  // namespace tutti::api
