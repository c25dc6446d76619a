// Memory for what there are hundreds of thousands of, looked at here and there: on pages of 4 KiB
// nearly every look would also miss the processor's table of pages.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <vector>

namespace tutti::ub {

// Asks for huge pages where there is enough for one. Advice: without them it is memory as any
// other.
template <typename T>
class LargeMemory {
 public:
  using value_type = T;

  LargeMemory() = default;
  template <typename Other>
  explicit(false) LargeMemory(const LargeMemory<Other>&) noexcept {}

  T* allocate(std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kHugePage) return static_cast<T*>(::operator new(bytes, kOrdinary));
    void* const place = ::operator new (bytes, std::align_val_t{kHugePage});
    static_cast<void>(::madvise(place, bytes / kHugePage * kHugePage, MADV_HUGEPAGE));
    return static_cast<T*>(place);
  }
  void deallocate(T* place, std::size_t count) noexcept {
    const std::size_t bytes = count * sizeof(T);
    ::operator delete (place, bytes < kHugePage ? kOrdinary : std::align_val_t{kHugePage});
  }

  friend bool operator==(const LargeMemory&, const LargeMemory&) = default;

 private:
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;
  static constexpr std::align_val_t kOrdinary{alignof(T) < 64 ? 64 : alignof(T)};
};

template <typename T>
using LargeVector = std::vector<T, LargeMemory<T>>;

}  // namespace tutti::ub
