#include "transports/ub/engine/stack_pool.hpp"

#include <sys/mman.h>

#include "base/error.hpp"
#include "transports/ub/engine/sanitizers.hpp"

namespace tutti::ub {
namespace {

constexpr std::size_t kPage = 4096;

// Stacks begin at different places of a page: with all of them at the same one, the topmost frames
// of hundreds of fibres would share the few lines that a cache has for it.
constexpr std::size_t kColours = 16;
constexpr std::size_t kColourBytes = 256;

}  // namespace

StackPool::StackPool(std::size_t bytes) : bytes_((bytes + kPage - 1) / kPage * kPage) {
  if (bytes < kSmallest || bytes_ < bytes) {
    fail(tuttiInvalidArgument, "a stack of {} bytes for a simulated rank: {} is the least", bytes,
         kSmallest);
  }
}

StackPool::~StackPool() {
  for (std::byte* mapping : mappings_) munmap(mapping, kGuardBytes + bytes_);
}

Stack StackPool::map() {
  mappings_.reserve(mappings_.size() + 1);
  free_.reserve(mappings_.size() + 1);  // so that release() never allocates
  const std::size_t whole = kGuardBytes + bytes_;
  void* mapped = mmap(nullptr, whole, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (mapped == MAP_FAILED) {
    fail_system("mmap of {} bytes for a simulated rank's stack, the {}th", whole,
                mappings_.size() + 1);
  }
  auto* const start = static_cast<std::byte*>(mapped);
  mappings_.push_back(start);
  if (mprotect(start + kGuardBytes, bytes_, PROT_READ | PROT_WRITE) != 0) {
    const int cause = errno;
    mappings_.pop_back();
    munmap(start, whole);
    errno = cause;
    fail_system(
        "mprotect of a simulated rank's stack, the {}th (each takes two of vm.max_map_count)",
        mappings_.size() + 1);
  }
  // A stack touches a few pages; advice, which kernels without huge pages refuse.
  static_cast<void>(madvise(start, whole, MADV_NOHUGEPAGE));
  const std::size_t colour = mappings_.size() % kColours * kColourBytes;
  return {start + kGuardBytes, start + whole - colour};
}

Stack StackPool::acquire() {
  if (free_.empty()) return map();
  const Stack stack = free_.back();
  free_.pop_back();
  return stack;
}

void StackPool::release(const Stack& stack) noexcept {
  forget_stack(stack.low, stack.size());
  free_.push_back(stack);
}

}  // namespace tutti::ub
