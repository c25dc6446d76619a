#include "transports/shm/process_watcher.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/log.hpp"
#include "transports/shm/liveness.hpp"

namespace tutti::shm {

namespace {

constexpr std::uint64_t kWakeKey = 0;  // no process has pid 0

void watch_descriptor(int epoll, int fd, std::uint64_t key) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = key;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail_system("epoll_ctl");
}

}  // namespace

ProcessWatcher& ProcessWatcher::of_this_process() {
  static ProcessWatcher watcher;
  return watcher;
}

ProcessWatcher::~ProcessWatcher() { stop(); }

void ProcessWatcher::add(LivenessWatch& watch) {
  const std::lock_guard lifecycle(lifecycle_);
  if (!thread_.joinable()) start();
  const std::lock_guard lock(mutex_);
  watches_.insert(&watch);
  open_targets();
}

void ProcessWatcher::remove(LivenessWatch& watch) {
  const std::lock_guard lifecycle(lifecycle_);
  bool last = false;
  {
    const std::lock_guard lock(mutex_);
    watches_.erase(&watch);
    last = watches_.empty();
  }
  if (last) stop();
}

void ProcessWatcher::refresh() {
  const std::lock_guard lock(mutex_);
  open_targets();
}

void ProcessWatcher::start() {
  epoll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) fail_system("epoll_create1");
  wake_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) fail_system("eventfd");
  watch_descriptor(epoll_.get(), wake_.get(), kWakeKey);
  thread_ = std::thread([this] { run(); });
}

void ProcessWatcher::stop() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof(one));
  thread_.join();
  pidfds_.clear();
  wake_.close();
  epoll_.close();
}

void ProcessWatcher::open_targets() {
  for (LivenessWatch* watch : watches_) {
    for (const int pid : watch->targets()) {
      if (pidfds_.contains(pid)) continue;
      Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
      if (!pidfd) {
        if (errno == ESRCH) {
          watch->on_death(pid);
        } else {
          TUTTI_WARN(kShm, "cannot watch process {}: pidfd_open failed with errno {}", pid, errno);
        }
        continue;
      }
      watch_descriptor(epoll_.get(), pidfd.get(), static_cast<std::uint64_t>(pid));
      pidfds_.emplace(pid, std::move(pidfd));
    }
  }
}

void ProcessWatcher::handle_death(int pid) {
  const std::lock_guard lock(mutex_);
  pidfds_.erase(pid);  // closing it takes it out of the epoll set
  for (LivenessWatch* watch : watches_) watch->on_death(pid);
  open_targets();
}

void ProcessWatcher::run() {
  for (;;) {
    epoll_event event{};
    const int count = ::epoll_wait(epoll_.get(), &event, 1, -1);
    if (count < 0 && errno == EINTR) continue;
    if (count != 1 || event.data.u64 == kWakeKey) return;
    handle_death(static_cast<int>(event.data.u64));
  }
}

}  // namespace tutti::shm
