#include "perf/tutti_perf/library.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

#include "perf/tutti_perf/culprits.hpp"

namespace tutti::perf {
void check(tuttiResult_t result, tuttiComm_t comm) {
  if (result == tuttiSuccess) return;
  std::string message = tuttiGetLastError(comm);
  if (message.empty()) message = tuttiGetErrorString(result);
  throw Error(result, message, named_ranks(message));
}

Buffer::Buffer(tuttiComm_t comm, std::size_t bytes, bool symmetric)
    : comm_(comm), symmetric_(symmetric) {
  if (bytes == 0) return;
  if (!symmetric) {
    memory_ = static_cast<std::byte*>(std::malloc(bytes));
    if (memory_ == nullptr) throw std::bad_alloc();
    std::memset(memory_, 0, bytes);
    return;
  }
  void* memory = nullptr;
  check(tuttiMemAlloc(&memory, bytes), nullptr);
  memory_ = static_cast<std::byte*>(memory);
  check(tuttiCommWindowRegister(comm, memory, bytes, &window_, TUTTI_WIN_COLL_SYMMETRIC), comm);
}

// Failures here follow earlier ones, which were reported.
Buffer::~Buffer() {
  if (!symmetric_) {
    std::free(memory_);
    return;
  }
  if (window_ != nullptr) tuttiCommWindowDeregister(comm_, window_);
  tuttiMemFree(memory_);
}

}  // namespace tutti::perf
