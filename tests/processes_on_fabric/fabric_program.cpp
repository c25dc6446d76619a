// A program as a user writes it, for tutti-run --fabric; and, with "fibres FABRIC RANKS TRACE"
// before the work, the same calls through tuttiSimRun, with a trace in that file if it is not "-".
// Prints what tutti-run prints of a run.
//
//   tutti-run --fabric cloudmatrix384 -n 4 fabric_program collectives
//   fabric_program fibres cloudmatrix384 4 - collectives
#include <tutti/sim.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <tutti/tutti.hpp>

#include "works.hpp"

namespace {

using tutti::test::Work;

int report(const std::exception& error, int rank) {
  std::fprintf(stderr, "rank %d: %s\n", rank, error.what());
  const auto* known = dynamic_cast<const tutti::Error*>(&error);
  return known != nullptr ? 20 + static_cast<int>(known->code()) : 19;
}

int as_process(const Work& work) {
  int rank = -1;
  try {
    auto comm = tutti::Communicator::world();
    rank = comm.rank();
    work(comm);
    comm.destroy();
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    return report(error, rank);
  }
}

tuttiResult_t as_fibre(int rank, int nranks, const tuttiUniqueId* id, void* user) {
  try {
    auto comm = tutti::Communicator::join(*id, rank, nranks);
    (*static_cast<const Work*>(user))(comm);
    comm.destroy();
    return tuttiSuccess;
  } catch (const std::exception& error) {
    report(error, rank);
    return tuttiInternalError;
  }
}

int as_fibres(const char* fabric, int ranks, const char* trace, Work work) {
  tuttiSimConfig_t config = TUTTI_SIM_CONFIG_INITIALIZER;
  config.fabric = fabric;
  if (std::strcmp(trace, "-") != 0) config.trace = trace;
  tuttiSimResult_t result = TUTTI_SIM_RESULT_INITIALIZER;
  if (tuttiSimRun(&config, ranks, as_fibre, &work, &result) != tuttiSuccess) {
    std::fprintf(stderr, "%s\n", tuttiGetLastError(nullptr));
    return EXIT_FAILURE;
  }
  const auto end = static_cast<unsigned long long>(result.end_ps);
  std::fprintf(stderr, "# Virtual time         : %llu.%06llu us in all\n", end / 1000000,
               end % 1000000);
  std::fprintf(stderr, "# Arrivals digest      : %016llx\n",
               static_cast<unsigned long long>(result.arrivals_digest));
  std::fprintf(stderr, "# Payload digest       : %016llx\n",
               static_cast<unsigned long long>(result.payload_digest));
  std::fprintf(stderr, "# Moved                : %llu bytes in %llu transfers\n",
               static_cast<unsigned long long>(result.bytes),
               static_cast<unsigned long long>(result.transfers));
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  const bool fibres = argc > 5 && std::strcmp(argv[1], "fibres") == 0;
  const int first = fibres ? 5 : 1;
  if (argc <= first) {
    std::fprintf(stderr, "usage: %s [fibres FABRIC RANKS TRACE] WORK [ARGUMENT]\n", argv[0]);
    return 2;
  }
  const Work work =
      tutti::test::find_work(argv[first], argc > first + 1 ? std::atoi(argv[first + 1]) : 0);
  if (!work) {
    std::fprintf(stderr, "no work '%s'\n", argv[first]);
    return 2;
  }
  return fibres ? as_fibres(argv[2], std::atoi(argv[3]), argv[4], work) : as_process(work);
}
