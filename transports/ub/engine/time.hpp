// Virtual time: whole picoseconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace tutti::ub {

using Picoseconds = std::chrono::duration<std::int64_t, std::pico>;

}  // namespace tutti::ub
