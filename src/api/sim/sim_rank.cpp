// What a rank of a simulation asks of it.
#include <tutti/sim.h>

#include "api/boundary.hpp"
#include "communicator/stream.hpp"
#include "transports/ub/bus/simulated_rank.hpp"

using tutti::fail;
using tutti::api::guarded;
using tutti::api::need;

namespace ub = tutti::ub;

namespace {

ub::SimulatedRank& simulated_rank() {
  ub::SimulatedRank* const current = ub::SimulatedRank::current();
  if (current == nullptr) {
    fail(tuttiInvalidUsage, "there is no virtual time outside a rank of a simulation");
  }
  return *current;
}

}  // namespace

tuttiResult_t tuttiSimGetTime(uint64_t* picoseconds) {
  return guarded(nullptr, [&] {
    need(picoseconds, "picoseconds");
    *picoseconds = static_cast<std::uint64_t>(simulated_rank().time().count());
  });
}

tuttiResult_t tuttiSimCompute(tuttiComm_t comm, uint64_t nanoseconds, tuttiStream_t stream) {
  const auto compute = [&] {
    ub::SimulatedRank& here = simulated_rank();
    constexpr std::uint64_t kLongestNs = ub::kLongestTime / 1000;
    if (nanoseconds > kLongestNs) {
      fail(tuttiInvalidArgument, "nanoseconds is {}, expected at most {}", nanoseconds, kLongestNs);
    }
    const ub::Picoseconds time = tutti::Nanoseconds(static_cast<std::int64_t>(nanoseconds));
    if (stream == nullptr) {
      here.compute(time);
    } else {
      // The stream's own time passes. Its simulation outlives it.
      stream->push(tutti::make_task([&here, time] { here.compute(time); }));
    }
  };
  return tutti::api::call(comm, compute);
}
