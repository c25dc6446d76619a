// What the control groups (v1 or v2) of this process leave it: memory and processor time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tutti {

class Cgroups {
 public:
  // Where the kernel describes them; other places are for tests.
  explicit Cgroups(std::string membership = "/proc/self/cgroup",
                   std::string mount = "/sys/fs/cgroup")
      : membership_(std::move(membership)), mount_(std::move(mount)) {}

  // Bytes that may still be taken before the tightest limit, counting file cache that the kernel
  // would give up; nothing where no limit is set.
  std::optional<std::uint64_t> memory_left() const;

  // Processors' worth of time per period of the tightest quota (1.5: one and a half), nothing where
  // none is set.
  std::optional<double> cpu_quota() const;

 private:
  template <typename Visit>
  void for_each_directory(const char* controller, const Visit& visit) const;

  std::string membership_;
  std::string mount_;
};

}  // namespace tutti
