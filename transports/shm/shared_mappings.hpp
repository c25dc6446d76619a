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
  // The same for pieces of the file side by side, present from the start; always the same pieces of
  // one file.
  std::shared_ptr<Mapping> gather(const SharedFileHandle& file, const Mapping::Pieces& pieces,
                                  const char* what);

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  using Known = std::map<Key, std::weak_ptr<Mapping>>;

  // What `known` has of the file, or what make(descriptor) returns.
  template <typename Make>
  std::shared_ptr<Mapping> find(Known& known, const SharedFileHandle& file, const Make& make);

  std::mutex mutex_;
  Known whole_;
  Known gathered_;
};

}  // namespace tutti::shm
