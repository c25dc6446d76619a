#include "transports/message/guarded_copy.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tutti::message {

// A process may read and write itself, unless a filter forbids it the calls: then nobody looks.
std::size_t copy_if_there(std::byte* to, std::span<const iovec> from) noexcept {
  std::size_t bytes = 0;
  for (const iovec& part : from) bytes += part.iov_len;
  const iovec here{to, bytes};
  const ssize_t copied = ::process_vm_readv(::getpid(), &here, 1, from.data(), from.size(), 0);
  if (copied >= 0) return static_cast<std::size_t>(copied);
  if (errno != EPERM && errno != ENOSYS) return 0;
  for (const iovec& part : from) {
    std::memcpy(to, part.iov_base, part.iov_len);
    to += part.iov_len;
  }
  return bytes;
}

bool copy_if_there(std::byte* to, std::span<const std::byte> from) noexcept {
  const iovec here{const_cast<std::byte*>(from.data()), from.size()};
  const iovec there{to, from.size()};
  const ssize_t copied = ::process_vm_writev(::getpid(), &here, 1, &there, 1, 0);
  if (copied == static_cast<ssize_t>(from.size())) return true;
  if (copied >= 0 || (errno != EPERM && errno != ENOSYS)) return false;
  std::memcpy(to, from.data(), from.size());
  return true;
}

}  // namespace tutti::message
