// The library's only thread_local.
#include "base/context.hpp"

#include <utility>

namespace tutti {
namespace {

struct Slot {
  ThreadContext own;
  ThreadContext* lent = nullptr;
};

constinit thread_local Slot slot;

}  // namespace

[[gnu::noinline]] ThreadContext& current_context() noexcept {
  return slot.lent != nullptr ? *slot.lent : slot.own;
}

[[gnu::noinline]] ThreadContext* exchange_context(ThreadContext* context) noexcept {
  return std::exchange(slot.lent, context);
}

}  // namespace tutti
