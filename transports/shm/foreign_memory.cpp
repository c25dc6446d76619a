#include "transports/shm/foreign_memory.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.hpp"

namespace tutti::shm {

namespace {

constexpr std::size_t kPiecesPerCall = 64;

// One call for up to kPiecesPerCall pieces, starting `skip` bytes into the first.
std::size_t read_some(int pid, std::span<const Fetch> pieces, std::uintptr_t base,
                      std::size_t skip) {
  std::array<iovec, kPiecesPerCall> local;
  std::array<iovec, kPiecesPerCall> remote;
  const std::size_t count = std::min(pieces.size(), kPiecesPerCall);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t from = i == 0 ? skip : 0;
    const auto rest = pieces[i].destination.subspan(from);
    local[i] = {rest.data(), rest.size()};
    remote[i] = {reinterpret_cast<void*>(base + pieces[i].offset + from), rest.size()};
  }
  const auto got = ::process_vm_readv(pid, local.data(), count, remote.data(), count, 0);
  if (got < 0) fail_system("reading {} bytes of process {}", pieces[0].destination.size(), pid);
  return static_cast<std::size_t>(got);
}

void read_all(int pid, std::span<const Fetch> pieces, std::uintptr_t base) {
  std::size_t done = 0;  // bytes of the first piece
  for (;;) {
    while (!pieces.empty() && done == pieces[0].destination.size()) {
      pieces = pieces.subspan(1);
      done = 0;
    }
    if (pieces.empty()) return;
    std::size_t got = read_some(pid, pieces, base, done);
    if (got == 0) {
      errno = EFAULT;
      fail_system("reading {} bytes of process {}", pieces[0].destination.size(), pid);
    }
    for (;;) {
      const std::size_t taken = std::min(got, pieces[0].destination.size() - done);
      done += taken;
      got -= taken;
      if (got == 0) break;
      pieces = pieces.subspan(1);
      done = 0;
    }
  }
}

}  // namespace

void read_foreign(int pid, std::span<const Fetch> pieces, std::uintptr_t base) {
  if (pieces.empty()) return;
  try {
    read_all(pid, pieces, base);
  } catch (const Error& error) {
    throw Error(error.code(), error.what(), {pieces.front().peer});
  }
}

}  // namespace tutti::shm
