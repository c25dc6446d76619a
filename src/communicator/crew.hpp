// Streams that run a few jobs side by side with their caller, kept for the next time. A stream has
// one for the operations of a group on it, a communicator for those of a group without a stream:
// then groups start none but the first time, and nothing is global.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace tutti {

class Stream;

// One run() at a time; hire() from any thread.
class Crew {
 public:
  using Job = std::function<void()>;

  Crew();
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Makes sure that `jobs` can run side by side: tuttiSystemError when no more threads are given.
  void hire(std::size_t jobs);
  // Runs all, the last one in the caller, and returns when all are done. Jobs wait for each other,
  // so hire() comes first. They do not throw, but for FibreUnwind: then those that ran beside have
  // been ended already, being younger.
  void run(std::span<const Job> jobs);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Stream>> members_;  // under mutex_; never fewer
};

}  // namespace tutti
