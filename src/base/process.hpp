// Which process this is: a number that changes in a forked child, and a random name.
#pragma once

#include <atomic>
#include <cstdint>

namespace tutti {

// 128 random bits, different in every process and in every forked child.
struct ProcessToken {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const ProcessToken&, const ProcessToken&) = default;
};

namespace process_detail {
extern std::atomic<int> generation;  // written only by the fork handler, in a child with one thread
}

// Differs from the parent's in a child made by fork(); an object that remembers it knows whether it
// was made by this process. A plain load. (A child made by a raw clone system call is not noticed.)
inline int process_generation() noexcept {
  return process_detail::generation.load(std::memory_order_relaxed);
}

// Two ranks with equal tokens share an address space.
ProcessToken process_token() noexcept;

}  // namespace tutti
