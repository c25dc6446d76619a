// Threads of the library's own, which the application's signals are no business of.
#pragma once

#include <functional>
#include <thread>

namespace tutti {

// Starts `body` with all signals blocked. `name` is the thread's, of up to 15 characters.
// tuttiSystemError that names it where no more are given.
std::thread start_quiet_thread(const char* name, std::function<void()> body);

}  // namespace tutti
