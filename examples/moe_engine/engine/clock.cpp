#include "clock.hpp"

#include <tutti/sim.h>

#include <algorithm>
#include <chrono>

namespace moe_engine {

Clock::Clock(const tutti::Communicator& comm, const Device& device)
    : comm_(comm.get()), device_(device) {
  std::uint64_t time = 0;
  virtual_ = tuttiSimGetTime(&time) == tuttiSuccess;
}

double Clock::now() const {
  if (virtual_) {
    std::uint64_t picoseconds = 0;
    (void)tuttiSimGetTime(&picoseconds);
    return static_cast<double>(picoseconds) * 1e-9;
  }
  const std::chrono::duration<double, std::milli> time =
      std::chrono::steady_clock::now().time_since_epoch();
  return time.count();
}

void Clock::computed(double operations, double bytes) const {
  if (!virtual_) return;
  const double ns =
      std::max(operations / device_.tera_operations * 1e-3, bytes / device_.memory_gbs);
  const tuttiResult_t code = tuttiSimCompute(comm_, static_cast<std::uint64_t>(ns), nullptr);
  if (code != tuttiSuccess) throw tutti::Error(code, tuttiGetLastError(comm_));
}

}  // namespace moe_engine
