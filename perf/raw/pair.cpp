#include "perf/raw/pair.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>

#include "perf/raw/shared_memory.hpp"

namespace tutti::raw {
namespace {

// "package/core" of a CPU; CPUs whose topology the kernel does not tell count as cores of their
// own.
std::string core_of(int cpu) {
  const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}/topology/", cpu);
  std::ifstream package(folder + "physical_package_id");
  std::ifstream core(folder + "core_id");
  std::string package_id, core_id;
  if (package >> package_id && core >> core_id) return package_id + "/" + core_id;
  return fmt::format("cpu{}", cpu);
}

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    throw std::runtime_error(fmt::format("cannot pin to CPU {}: {}", cpu, std::strerror(errno)));
  }
}

// Gives every page of the own segment its place in memory, near the core that runs here.
void first_touch(Side& side) {
  std::memset(side.mine().in, 0, kBufferBytes);
  std::memset(side.mine().out, 0, kBufferBytes);
  std::memset(side.mine().staging, 0, kBufferBytes);
  side.exchange();
}

[[noreturn]] void run_child(Segment* segments, pid_t parent, int cpu,
                            const std::function<void(Side&)>& body) {
  int status = 0;
  try {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(cpu);
    Side side(1, segments, parent);
    first_touch(side);
    body(side);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tutti-raw: rank 1: {}\n", error.what());
    status = 1;
  }
  _exit(status);
}

}  // namespace

void Side::read_theirs(std::byte* to, std::uint64_t address, std::size_t bytes) const {
  while (bytes > 0) {
    const iovec local{to, bytes};
    const iovec remote{reinterpret_cast<void*>(address), bytes};
    const ssize_t read = process_vm_readv(peer_pid_, &local, 1, &remote, 1, 0);
    if (read <= 0) {
      throw std::runtime_error(fmt::format("process_vm_readv: {}", std::strerror(errno)));
    }
    to += read;
    address += static_cast<std::uint64_t>(read);
    bytes -= static_cast<std::size_t>(read);
  }
}

bool Side::both_can_read() {
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);  // fails without the Yama module, which is fine
  std::byte byte{};
  const std::uint64_t address = exchange(reinterpret_cast<std::uintptr_t>(&byte));
  std::uint64_t allowed = 1;
  std::byte copy;
  try {
    read_theirs(&copy, address, 1);
  } catch (const std::runtime_error&) {
    allowed = 0;
  }
  return (exchange(allowed) & allowed) != 0;  // `byte` lives until the other side has read it
}

void Side::check_peer() const {
  const bool gone = rank_ == 0 ? waitpid(peer_pid_, nullptr, WNOHANG) != 0 : getppid() != peer_pid_;
  if (gone) throw std::runtime_error(fmt::format("the process of rank {} is gone", 1 - rank_));
}

Cores pick_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    throw std::runtime_error(fmt::format("sched_getaffinity: {}", std::strerror(errno)));
  }
  Cores cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) continue;
    if (cores.first < 0) {
      cores.first = cpu;
    } else if (core_of(cpu) != core_of(cores.first)) {
      cores.second = cpu;
      return cores;
    }
  }
  throw std::runtime_error("raw loops need two cores that this process may use");
}

void run_pair(const Cores& cores, const std::function<void(Side&)>& body) {
  const SharedMemory segments(2 * sizeof(Segment));
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error(fmt::format("fork: {}", std::strerror(errno)));
  if (child == 0) run_child(segments.as<Segment>(), parent, cores.second, body);
  std::exception_ptr failure;
  try {
    pin(cores.first);
    Side side(0, segments.as<Segment>(), child);
    first_touch(side);
    body(side);
  } catch (...) {
    failure = std::current_exception();
    kill(child, SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (failure) std::rethrow_exception(failure);
  if (status != 0) throw std::runtime_error("rank 1 of the raw loops failed");
}

}  // namespace tutti::raw
