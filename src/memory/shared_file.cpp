#include "memory/shared_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <limits>
#include <string>

#include "base/cgroup.hpp"
#include "base/error.hpp"

namespace tutti {
namespace {

// Growing a file beyond RLIMIT_FSIZE raises SIGXFSZ, which ends the process: ask first.
void check_file_size_limit(std::size_t bytes, const char* name) {
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      bytes > limit.rlim_cur)
    fail(tuttiSystemError, "{} of {} bytes exceeds the file size limit of {} bytes (ulimit -f)",
         name, bytes, limit.rlim_cur);
}

int fallocate_uninterrupted(int fd, int mode, std::size_t offset, std::size_t bytes) {
  int result = 0;
  do {
    result = fallocate(fd, mode, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  return result;
}

std::string advice_for(int cause, int pid) {
  if (cause == EACCES || cause == EPERM)
    return fmt::format(
        " (peers must be allowed to read /proc/{}/fd: the same user, the same pid namespace, and a "
        "process that is dumpable)",
        pid);
  if (cause == ENOENT) return " (the process has ended, or is in another pid namespace)";
  return "";
}

// To ask what is available takes ten files and as many times as long as a small allocation. After
// an answer, a small share of it is given out before the next question.
class Unasked {
 public:
  bool take(std::size_t bytes) noexcept {
    std::uint64_t left = left_.load(std::memory_order_relaxed);
    do {
      if (bytes > left) return false;
    } while (!left_.compare_exchange_weak(left, left - bytes, std::memory_order_relaxed));
    return true;
  }
  void renew(std::uint64_t available) noexcept {
    left_.store(available / kShare, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint64_t kShare = 1024;

  std::atomic<std::uint64_t> left_{0};
};

Unasked unasked;

}  // namespace

Descriptor create_shared(const char* name, std::size_t bytes) {
  check_file_size_limit(bytes, name);
  Descriptor file(memfd_create(name, MFD_CLOEXEC));
  if (!file) fail_system("memfd_create of {}", name);
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0)
    fail_system("{} cannot have {} bytes", name, bytes);
  return file;
}

SharedFileHandle handle_of(const Descriptor& file) {
  struct stat status {};
  if (fstat(file.get(), &status) != 0) fail_system("fstat of a shared file");
  return {.pid = getpid(),
          .fd = file.get(),
          .inode = status.st_ino,
          .device = status.st_dev,
          .bytes = static_cast<std::uint64_t>(status.st_size)};
}

Descriptor open_shared(const SharedFileHandle& handle) {
  const std::string path = fmt::format("/proc/{}/fd/{}", handle.pid, handle.fd);
  Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) {
    const int cause = errno;
    fail(tuttiSystemError, "cannot open the memory of process {} at {}: {}{}", handle.pid, path,
         std::strerror(cause), advice_for(cause, handle.pid));
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0) fail_system("fstat of {}", path);
  if (status.st_ino != handle.inode || status.st_dev != handle.device ||
      static_cast<std::uint64_t>(status.st_size) < handle.bytes)
    fail(tuttiSystemError,
         "{} is not the memory that process {} announced (inode {} of {} bytes, announced {} of "
         "{}): "
         "it has ended, or is in another pid namespace",
         path, handle.pid, status.st_ino, status.st_size, handle.inode, handle.bytes);
  return file;
}

void back_with_memory(const Descriptor& file, std::size_t offset, std::size_t bytes,
                      const char* what) {
  if (!unasked.take(bytes)) {
    const std::uint64_t available = available_memory();
    if (bytes > available)
      fail(tuttiSystemError, "{} needs {} bytes of memory, {} are available", what, bytes,
           available);
    unasked.renew(available);
  }
  if (fallocate_uninterrupted(file.get(), FALLOC_FL_KEEP_SIZE, offset, bytes) != 0) {
    const int cause = errno;
    const std::uint64_t available = available_memory();
    errno = cause;
    fail_system("{} needs {} bytes of memory, {} are available", what, bytes, available);
  }
}

void give_memory_back(const Descriptor& file, std::size_t offset, std::size_t bytes) {
  if (fallocate_uninterrupted(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                              bytes) != 0)
    fail_system("giving {} bytes of shared memory back", bytes);
}

std::uint64_t available_memory() {
  std::uint64_t available = std::numeric_limits<std::uint64_t>::max();
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("MemAvailable:")) available = std::stoull(line.substr(13)) * 1024;
  if (const auto left = Cgroups().memory_left()) available = std::min(available, *left);
  return available;
}

}  // namespace tutti
