// The one thread of a process that sleeps on the pidfds of other processes. It runs while some
// LivenessWatch exists.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/descriptor.hpp"

namespace tutti::shm {

class LivenessWatch;

class ProcessWatcher {
 public:
  static ProcessWatcher& of_this_process();
  ~ProcessWatcher();

  void add(LivenessWatch& watch);
  // After this returns, the watcher no longer uses `watch`.
  void remove(LivenessWatch& watch);
  // Opens what the watches want and is not open yet.
  void refresh();

 private:
  void start();
  void stop();
  void run();
  void open_targets();  // mutex_ held
  void handle_death(int pid);

  std::mutex lifecycle_;  // add and remove; taken before mutex_
  std::mutex mutex_;
  std::set<LivenessWatch*> watches_;
  std::map<int, Descriptor> pidfds_;  // by pid
  Descriptor epoll_;
  Descriptor wake_;
  std::thread thread_;
};

}  // namespace tutti::shm
