#include "base/quiet_thread.hpp"

#include <pthread.h>

#include <csignal>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace tutti {

std::thread start_quiet_thread(const char* name, std::function<void()> body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  std::string why;
  try {
    thread = std::thread(std::move(body));
  } catch (const std::system_error& error) {
    why = error.what();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!why.empty()) fail(tuttiSystemError, "starting the thread {}: {}", name, why);
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace tutti
