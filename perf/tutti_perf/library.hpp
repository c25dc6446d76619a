// Calls to the library as this program makes them: failures become tutti::Error, memory is
// released.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <tutti/error.hpp>

namespace tutti::perf {

// Throws Error with the library's sentence and the ranks it names.
void check(tuttiResult_t result, tuttiComm_t comm);

// Memory for one rank's data: tuttiMemAlloc registered as a symmetric window, or malloc.
// Construction and destruction are collective over `comm` when symmetric.
class Buffer {
 public:
  Buffer(tuttiComm_t comm, std::size_t bytes, bool symmetric);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::byte* get() const { return memory_; }

 private:
  tuttiComm_t comm_;
  bool symmetric_;
  std::byte* memory_ = nullptr;
  tuttiWindow_t window_ = nullptr;
};

}  // namespace tutti::perf
