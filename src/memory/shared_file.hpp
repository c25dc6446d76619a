// Memory without a name that another process of this host can map: a memfd, found through
// /proc/<pid>/fd/<fd> of the process that made it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/descriptor.hpp"

namespace tutti {

// What a peer needs to open a shared file. Sent as bytes. Valid while the process that made it
// lives and keeps the descriptor; inode and device tell when it does not.
struct SharedFileHandle {
  std::int32_t pid = -1;
  std::int32_t fd = -1;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  std::uint64_t bytes = 0;
};

// A sparse file of `bytes` zeros; nothing of it is backed yet. `name` is shown in /proc/<pid>/maps.
Descriptor create_shared(const char* name, std::size_t bytes);

// For peers, of a descriptor that this process keeps open.
SharedFileHandle handle_of(const Descriptor& file);

// Opens a peer's file, and proves that it is the one that the handle was made of. tuttiSystemError
// names the process, and says what the system must allow.
Descriptor open_shared(const SharedFileHandle& handle);

// Backs [offset, offset + bytes) with memory, so that shortage is a tuttiSystemError here ("<what>
// needs
// ... bytes, ... are available") and not a SIGBUS at first touch. Nothing stays backed on failure.
void back_with_memory(const Descriptor& file, std::size_t offset, std::size_t bytes,
                      const char* what);

// Gives the memory of a range back; it reads as zeros again, in every process.
void give_memory_back(const Descriptor& file, std::size_t offset, std::size_t bytes);

// What can be taken now without swapping or meeting a control group's limit.
std::uint64_t available_memory();

}  // namespace tutti
