// Streams and events. None of these calls names a communicator: their sentences are the thread's.
#include <tutti/tutti.h>

#include "api/boundary.hpp"
#include "communicator/event.hpp"
#include "communicator/stream.hpp"

using tutti::api::guarded;
using tutti::api::need;

tuttiResult_t tuttiStreamCreate(tuttiStream_t* stream) {
  return guarded(nullptr, [&] {
    need(stream, "stream");
    *stream = nullptr;
    *stream = new tuttiStream;
  });
}

tuttiResult_t tuttiStreamDestroy(tuttiStream_t stream) {
  return guarded(nullptr, [&] {
    if (stream == nullptr) return;
    stream->check_not_inside();
    const tutti::CallNote note({.kind = "StreamDestroy"});
    delete stream;
  });
}

tuttiResult_t tuttiStreamQuery(tuttiStream_t stream) {
  bool idle = true;
  const tuttiResult_t result = guarded(nullptr, [&] {
    if (stream != nullptr) idle = stream->idle();
    if (!idle) tutti::api::let_others_run();
  });
  return result == tuttiSuccess && !idle ? tuttiInProgress : result;
}

tuttiResult_t tuttiStreamSynchronize(tuttiStream_t stream) {
  return guarded(nullptr, [&] {
    const tutti::CallNote note({.kind = "StreamSynchronize"});
    if (stream != nullptr) stream->synchronize();
  });
}

tuttiResult_t tuttiStreamWaitEvent(tuttiStream_t stream, tuttiEvent_t event) {
  return guarded(nullptr, [&] {
    need(event, "event");
    const tutti::CallNote note({.kind = "StreamWaitEvent"});
    event->hold_up(stream);
  });
}

tuttiResult_t tuttiEventCreate(tuttiEvent_t* event) {
  return guarded(nullptr, [&] {
    need(event, "event");
    *event = nullptr;
    *event = new tuttiEvent;
  });
}

tuttiResult_t tuttiEventDestroy(tuttiEvent_t event) {
  delete event;
  return tuttiSuccess;
}

tuttiResult_t tuttiEventRecord(tuttiEvent_t event, tuttiStream_t stream) {
  return guarded(nullptr, [&] {
    need(event, "event");
    event->record(stream);
  });
}

tuttiResult_t tuttiEventQuery(tuttiEvent_t event) {
  bool reached = true;
  const tuttiResult_t result = guarded(nullptr, [&] {
    need(event, "event");
    reached = event->reached();
    if (!reached) tutti::api::let_others_run();
  });
  return result == tuttiSuccess && !reached ? tuttiInProgress : result;
}

tuttiResult_t tuttiEventSynchronize(tuttiEvent_t event) {
  return guarded(nullptr, [&] {
    need(event, "event");
    const tutti::CallNote note({.kind = "EventSynchronize"});
    event->synchronize();
  });
}

tuttiResult_t tuttiLaunchHostFunc(tuttiStream_t stream, tuttiHostFn fn, void* user) {
  return guarded(nullptr, [&] {
    if (fn == nullptr) tutti::fail(tuttiInvalidArgument, "fn is NULL");
    const auto run = [fn, user] {
      const tutti::CallNote note({.kind = "HostFunc"});
      fn(user);
    };
    if (stream == nullptr) {
      run();
    } else {
      stream->push(tutti::make_task(run));
    }
  });
}
