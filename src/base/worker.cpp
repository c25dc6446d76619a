#include "base/worker.hpp"

#include <pthread.h>

#include <utility>

namespace tutti {

Worker::Worker(const char* name, std::function<void()> body) : host_(current_context().host) {
  if (host_ != nullptr) {
    fibre_ = host_->spawn(std::move(body));
    return;
  }
  thread_ = std::thread(std::move(body));
  ::pthread_setname_np(thread_.native_handle(), name);
}

Worker::~Worker() {
  const KeepFibre keep;
  if (!joined_) join();
}

void Worker::join() {
  if (host_ != nullptr) {
    host_->join(fibre_);
  } else {
    thread_.join();
  }
  joined_ = true;
}

bool Worker::is_current() const {
  if (host_ == nullptr) return std::this_thread::get_id() == thread_.get_id();
  return current_context().host == host_ && host_->current() == fibre_;
}

}  // namespace tutti
