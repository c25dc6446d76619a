// Ranks as processes of a test, made by fork() before this process has used the library.
#pragma once

#include <sys/types.h>
#include <tutti/tutti.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <vector>

namespace tutti::test {

// In a rank's body: says what does not hold, and ends the process with 1.
#define RANK_CHECK(condition, comm)                                           \
  do {                                                                        \
    if (!(condition)) {                                                       \
      std::fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, \
                   tuttiGetLastError(comm));                                  \
      ::_exit(1);                                                             \
    }                                                                         \
  } while (false)

// A place where processes that are forked later wait for each other, once, beside the library.
class MeetingPoint {
 public:
  MeetingPoint();
  ~MeetingPoint();
  MeetingPoint(const MeetingPoint&) = delete;
  MeetingPoint& operator=(const MeetingPoint&) = delete;

  // Returns when `ranks` have called.
  void meet(int ranks);
  int arrived() const { return arrived_->load(); }

 private:
  std::atomic<int>* arrived_;  // shared by the processes
};

class ProcessWorld {
 public:
  // What a rank's process does; its result is the exit status. 0 is success.
  using Body = std::function<int(int rank, tuttiComm_t comm)>;

  // The same where it makes its communicator itself, if it comes to one.
  using Joining = std::function<int(int rank, const tuttiUniqueId& id)>;

  // Starts `ranks` processes; each joins one communicator (with this timeout) and runs `body`.
  ProcessWorld(int ranks, int timeout_ms, const Body& body);
  ProcessWorld(int ranks, const Joining& body);
  // Kills what is left.
  ~ProcessWorld();
  ProcessWorld(const ProcessWorld&) = delete;
  ProcessWorld& operator=(const ProcessWorld&) = delete;

  // Returns when every rank has its communicator, or false after the deadline.
  bool await_joined(std::chrono::milliseconds deadline = std::chrono::seconds(60)) const;

  pid_t pid(int rank) const { return pids_[static_cast<std::size_t>(rank)]; }
  void kill(int rank, int signal) const;

  // How a rank ended: its exit status, or minus the signal that ended it; kStillRunning after the
  // deadline.
  static constexpr int kStillRunning = -1000;
  int wait(int rank, std::chrono::milliseconds deadline = std::chrono::seconds(60));

 private:
  struct Shared;
  void start(const Joining& body);
  [[noreturn]] void run_rank(int rank, const Joining& body) const;

  Shared* shared_;  // with the ranks' processes
  std::vector<pid_t> pids_;
  std::vector<int> ends_;
};

}  // namespace tutti::test
