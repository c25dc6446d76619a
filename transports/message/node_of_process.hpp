// The one node that a process has on a network: made at first use, ended with the process, and not
// a forked child's.
#pragma once

#include <pthread.h>

#include <memory>
#include <mutex>

#include "bootstrap/key.hpp"

namespace tutti::message {

// make() makes it. Around a fork nobody moves frames: before_fork() and in_parent(). The
// child has a copy without its thread, which nobody may touch and nobody frees; in_child() does
// what must be done with what it has inherited.
template <typename Node, std::unique_ptr<Node> (*make)()>
class NodeOfProcess {
 public:
  static Node& get() {
    NodeOfProcess& owner = of_process();
    const std::lock_guard lock(owner.mutex_);
    if (owner.node_ == nullptr) owner.node_ = make().release();
    return *owner.node_;
  }

  NodeOfProcess(const NodeOfProcess&) = delete;
  NodeOfProcess& operator=(const NodeOfProcess&) = delete;

 private:
  static NodeOfProcess& of_process() {
    static NodeOfProcess owner;
    return owner;
  }

  NodeOfProcess() {
    outlast_threads();
    pthread_atfork([] { of_process().before_fork(); }, [] { of_process().in_parent(); },
                   [] { of_process().in_child(); });
  }
  ~NodeOfProcess() { delete node_; }

  void before_fork() {
    mutex_.lock();
    if (node_ != nullptr) node_->before_fork();
  }
  void in_parent() {
    if (node_ != nullptr) node_->in_parent();
    mutex_.unlock();
  }
  void in_child() {
    if (node_ != nullptr) node_->in_child();
    node_ = nullptr;
    mutex_.unlock();
  }

  std::mutex mutex_;
  Node* node_ = nullptr;
};

}  // namespace tutti::message
