#include "bootstrap/launchers/pmix_session.hpp"

#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>

#include "base/error.hpp"
#include "base/process.hpp"
#include "bootstrap/meeting_wire.hpp"

namespace tutti::pmix {

namespace {

// A call that PMIx answers by a callback from a thread of its own, perhaps after the caller has
// given up: shared with the callback, as are the arguments, which PMIx reads until then.
struct Call {
  Process process;
  std::string key;
  Info info;

  std::mutex mutex;
  std::condition_variable changed;
  bool arrived = false;
  Status status = kSuccess;
  std::string text;
  std::uint32_t number = 0;

  void arrive(Status with, const Value* value) {
    const std::scoped_lock lock(mutex);
    status = with;
    if (status == kSuccess && value != nullptr) {
      if (value->type == kString && value->data.string != nullptr) text = value->data.string;
      if (value->type == kUint32) number = value->data.uint32;
    }
    arrived = true;
    changed.notify_all();
  }

  // Whether the answer came before the deadline.
  bool await(Session::Deadline deadline) {
    std::unique_lock lock(mutex);
    return changed.wait_until(lock, deadline, [this] { return arrived; });
  }
};

using SharedCall = std::shared_ptr<Call>;

// The callback's share, as the context of a call.
void* share(const SharedCall& call) { return new SharedCall(call); }
SharedCall take_back(void* context) {
  const std::unique_ptr<SharedCall> share(static_cast<SharedCall*>(context));
  return *share;
}

void on_done(Status status, void* context) { take_back(context)->arrive(status, nullptr); }
void on_got(Status status, Value* value, void* context) {
  take_back(context)->arrive(status, value);
}

// Asks for what `process` has put by that name.
SharedCall ask(const Library& library, const Process& process, const char* key) {
  auto call = std::make_shared<Call>();
  call->process = process;
  call->key = key;
  void* const context = share(call);
  const Status status = library.get(&call->process, call->key.c_str(), nullptr, 0, on_got, context);
  if (status != kSuccess) take_back(context)->arrive(status, nullptr);
  return call;
}

}  // namespace

Session::Session() : library_(Library::open()), generation_(process_generation()) {
  check(library_.init(&self_, nullptr, 0), "PMIx_Init");
}

Session::~Session() {
  if (generation_ == process_generation()) library_.finalize(nullptr, 0);
}

void Session::put(const char* key, std::string text) const {
  check_process();
  Value value{.type = kString};
  value.data.string = text.data();
  check(library_.put(kGlobal, key, &value), "PMIx_Put");
  check(library_.commit(), "PMIx_Commit");
}

void Session::fence(Deadline deadline) const {
  check_process();
  const auto call = std::make_shared<Call>();
  call->process = process(kEveryRank);
  std::strcpy(call->info.key, kCollect);
  call->info.value.type = kBool;
  call->info.value.data.flag = true;
  void* const context = share(call);
  const Status status = library_.fence(&call->process, 1, &call->info, 1, on_done, context);
  if (status != kSuccess) take_back(context);
  if (status == kDoneAtOnce) return;
  check(status, "PMIx_Fence");
  if (!call->await(deadline)) {
    fail(tuttiTimeout, "PMIx: not all processes of '{}' came to the fence before the deadline",
         self_.name_space);
  }
  check(call->status, "PMIx_Fence");
}

std::string Session::get(std::uint32_t rank, const char* key, Deadline deadline) const {
  check_process();
  const auto call = ask(library_, process(rank), key);
  if (!call->await(deadline)) {
    fail(tuttiTimeout, "PMIx: process {} of '{}' did not tell '{}' before the deadline", rank,
         self_.name_space, key);
  }
  check(call->status, "PMIx_Get");
  return call->text;
}

std::uint32_t Session::size(Deadline deadline) const {
  check_process();
  const auto call = ask(library_, process(kEveryRank), kJobSize);
  if (!call->await(deadline)) {
    fail(tuttiTimeout, "PMIx: the server did not tell the size of '{}' before the deadline",
         self_.name_space);
  }
  check(call->status, "PMIx_Get");
  if (call->number == 0 || call->number > wire::kMostRanks) {
    fail(tuttiRemoteError, "PMIx: the server says that '{}' has {} processes", self_.name_space,
         call->number);
  }
  return call->number;
}

void Session::check_process() const {
  if (generation_ == process_generation()) return;
  fail(tuttiInvalidUsage,
       "PMIx: a child forked from process {} of '{}' is no process of the launcher", self_.rank,
       self_.name_space);
}

Process Session::process(std::uint32_t rank) const {
  Process process = self_;
  process.rank = rank;
  return process;
}

void Session::check(Status status, const char* what) const {
  if (status == kSuccess) return;
  const char* const text = library_.error_text(status);
  fail(tuttiRemoteError, "PMIx: {} failed: {} ({})", what, text != nullptr ? text : "?", status);
}

}  // namespace tutti::pmix
