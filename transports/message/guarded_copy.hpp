// Copies to and from memory that somebody has named, where nothing may be.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace tutti::message {

// Between memory of this process; the kernel looks whether it is there. How many bytes, from the
// first on, have been copied: fewer than all where nothing is behind them.
std::size_t copy_if_there(std::byte* to, std::span<const iovec> from) noexcept;
// False: part of it is not there.
bool copy_if_there(std::byte* to, std::span<const std::byte> from) noexcept;

}  // namespace tutti::message
