#include "held_mutexes.hpp"

#include <dlfcn.h>
#include <pthread.h>

namespace {

thread_local constinit int held = 0;

}  // namespace

namespace tutti::test {

int held_mutexes() noexcept { return held; }

}  // namespace tutti::test

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

using Function = int (*)(pthread_mutex_t*);

Function real(const char* name) noexcept {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static const Function lock = real("pthread_mutex_lock");
  const int result = lock(mutex);
  held += result == 0 ? 1 : 0;
  return result;
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  static const Function try_lock = real("pthread_mutex_trylock");
  const int result = try_lock(mutex);
  held += result == 0 ? 1 : 0;
  return result;
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  static const Function unlock = real("pthread_mutex_unlock");
  const int result = unlock(mutex);
  held -= result == 0 ? 1 : 0;
  return result;
}

}  // extern "C"

#endif
