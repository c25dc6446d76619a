// How often this thread has asked for memory: the test binary puts its own malloc before the C
// library's, and operator new uses it.
#pragma once

#include <cstdint>

namespace tutti::test {

std::uint64_t allocations_of_this_thread() noexcept;

}  // namespace tutti::test
