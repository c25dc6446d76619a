// The C boundary: exceptions stop here and become codes and sentences.
#pragma once

#include <fmt/format.h>
#include <tutti/tutti.h>

#include <new>

#include "base/call_watcher.hpp"
#include "base/context.hpp"
#include "base/error.hpp"
#include "base/fibre_host.hpp"
#include "base/pause.hpp"
#include "communicator/communicator.hpp"
#include "communicator/group.hpp"

namespace tutti::api {

// An error of a call without a usable communicator is kept by the thread.
inline tuttiResult_t record_in_thread(const Error& error) noexcept {
  ThreadContext& context = current_context();
  try {
    context.set_last_error(fmt::format("{}: {}", tuttiGetErrorString(error.code()), error.what()));
  } catch (const std::exception&) {
    context.set_last_error(tuttiGetErrorString(error.code()));
  }
  return error.code();
}

inline tuttiResult_t record(Communicator* communicator, const Error& error) noexcept {
  return communicator != nullptr ? communicator->record(error) : record_in_thread(error);
}

// Runs a call; `communicator` may be NULL and keeps the error's sentence otherwise. A call of a
// fibre that is being ended is tuttiAborted.
template <typename Body>
tuttiResult_t guarded(Communicator* communicator, Body&& body) noexcept {
  try {
    body();
    return tuttiSuccess;
  } catch (const Error& error) {
    return record(communicator, error);
  } catch (const std::bad_alloc&) {
    return record(communicator, Error(tuttiSystemError, "out of memory"));
  } catch (const std::exception& error) {
    return record(communicator, Error(tuttiInternalError, error.what()));
  } catch (const FibreUnwind&) {
    return record(communicator, Error(tuttiAborted, "the simulation that runs this rank ends"));
  }
}

inline void need(const void* pointer, const char* argument) {
  if (pointer == nullptr) [[unlikely]]
    fail(tuttiInvalidArgument, "{} is NULL", argument);
}

// Where a call has found nothing new: on a fibre time goes on by this, so that who asks again and
// again comes to an end.
inline void let_others_run() {
  if (current_context().host != nullptr) give_core_away();
}

// What a record of a run says of a collective that makes, ends or declares something: ranks have
// issued as many operations when they come to it.
inline CallFacts facts_of(Communicator& communicator, const char* kind, std::size_t bytes = 0) {
  return {.kind = kind,
          .bytes = bytes,
          .communicator = communicator.settings().name,
          .ranks = communicator.ranks(),
          .sequence = communicator.channel().next()};
}

// An error of `body` is also one of the group that this thread has open.
template <typename Body>
void noted_by_group(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    Group::note(error);
    throw;
  }
}

// As guarded(), for calls that need a communicator: body runs inside its Call.
template <typename Body>
tuttiResult_t call(tuttiComm_t communicator, Body&& body,
                   Communicator::Entry entry = Communicator::Entry::kUse) noexcept {
  bool entered = false;
  tuttiResult_t inside = tuttiSuccess;
  const auto enter = [&] {
    need(communicator, "comm");
    const Communicator::Call only_one(*communicator, entry);
    entered = true;
    inside = guarded(communicator, [&] { noted_by_group(body); });
  };
  // A second thread's error must not touch the text that the first may be writing.
  const tuttiResult_t outside = guarded(nullptr, [&] { noted_by_group(enter); });
  return entered ? inside : outside;
}

}  // namespace tutti::api
