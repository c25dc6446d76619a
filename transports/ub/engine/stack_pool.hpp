// Stacks for fibres: mapped with a guard below, reused, never grown.
#pragma once

#include <cstddef>
#include <vector>

namespace tutti::ub {

// A fibre's stack: [low, high), used from the top. What lies below `low` faults.
struct Stack {
  std::byte* low = nullptr;
  std::byte* high = nullptr;
  std::size_t size() const noexcept { return static_cast<std::size_t>(high - low); }
};

// The pool owns all stacks it ever gave; who uses one gives it back first. Memory backs only what
// was touched, and stays for the next user: last given back, first used.
class StackPool {
 public:
  static constexpr std::size_t kSmallest = 16 << 10;
  // As much as a frame may skip over without touching it.
  static constexpr std::size_t kGuardBytes = 64 << 10;

  // `bytes` is rounded up to pages. tuttiInvalidArgument below kSmallest.
  explicit StackPool(std::size_t bytes);
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // tuttiSystemError when the system has no room for another.
  Stack acquire();
  void release(const Stack& stack) noexcept;

  std::size_t made() const noexcept { return mappings_.size(); }

 private:
  Stack map();

  std::size_t bytes_;
  std::vector<std::byte*> mappings_;
  std::vector<Stack> free_;
};

}  // namespace tutti::ub
