// Something that runs beside whoever made it: a thread, or on a fibre another fibre of its rank.
#pragma once

#include <functional>
#include <thread>

#include "base/fibre_host.hpp"

namespace tutti {

class Worker {
 public:
  // Starts `body`, which throws nothing but FibreUnwind. `name` is the thread's, of up to 15
  // characters. std::system_error or Error where no more are given.
  Worker(const char* name, std::function<void()> body);
  // Waits for the end of the body. On a fibre that is being ended it does not: a worker is younger
  // than who made it, and has been ended before.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Once, before the destructor or never.
  void join();

  // Is it the worker who asks?
  bool is_current() const;

 private:
  FibreHost* const host_;  // nullptr: a thread. Outlives its fibres
  FibreHost::Fibre fibre_ = 0;
  std::thread thread_;
  bool joined_ = false;
};

}  // namespace tutti
