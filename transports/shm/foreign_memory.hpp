// Another process's memory, read by one copy of the kernel (process_vm_readv). Who may is a matter
// of the system's settings: the same user, and /proc/sys/kernel/yama/ptrace_scope 0 or absent.
#pragma once

#include <span>
#include <tutti/transport.hpp>

namespace tutti::shm {

// Pieces of one peer, whose offsets count from address `base` there. tuttiSystemError that names
// the peer when something of it cannot be read, whatever has arrived by then.
void read_foreign(int pid, std::span<const Fetch> pieces, std::uintptr_t base = 0);

}  // namespace tutti::shm
