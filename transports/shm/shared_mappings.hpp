// Memory that several ranks of this process use is mapped once: the maps of other processes' files,
// by device and inode. Process-wide, because ranks in threads find each other only here.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "base/mapping.hpp"
#include "memory/shared_file.hpp"

namespace tutti::shm {

class SharedMappings {
 public:
  static SharedMappings& of_this_process();

  // The whole file, mapped; the same mapping for every caller while any of them keeps it. Throws
  // tuttiSystemError, naming `what`.
  std::shared_ptr<Mapping> map(const SharedFileHandle& file, const char* what);

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  std::mutex mutex_;
  std::map<Key, std::weak_ptr<Mapping>> mappings_;
};

}  // namespace tutti::shm
