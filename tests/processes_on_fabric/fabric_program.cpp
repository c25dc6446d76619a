// A program as a user writes it, for tutti-run --fabric; and, with "fibres FABRIC RANKS OPTIONS"
// before the work, the same calls through tuttiSimRun. Prints what tutti-run prints of a run.
//
//   tutti-run --fabric cloudmatrix384 -n 4 --trace a.json fabric_program collectives
//   fabric_program fibres cloudmatrix384 4 --trace a.json collectives
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

int as_fibres(const tuttiSimConfig_t& config, int ranks, Work work) {
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
  const bool fibres = argc > 3 && std::strcmp(argv[1], "fibres") == 0;
  tuttiSimConfig_t config = TUTTI_SIM_CONFIG_INITIALIZER;
  int first = 1;
  if (fibres) {
    config.fabric = argv[2];
    for (first = 4; first < argc && argv[first][0] == '-'; ++first) {
      if (std::strcmp(argv[first], "--timing-only") == 0) config.flags |= TUTTI_SIM_TIMING_ONLY;
      if (std::strcmp(argv[first], "--trace") == 0) config.trace = argv[++first];
    }
  }
  if (argc <= first) {
    std::fprintf(stderr,
                 "usage: %s [fibres FABRIC RANKS [--timing-only] [--trace FILE]] WORK [ARGUMENT]\n",
                 argv[0]);
    return 2;
  }
  const Work work =
      tutti::test::find_work(argv[first], argc > first + 1 ? std::atoi(argv[first + 1]) : 0);
  if (!work) {
    std::fprintf(stderr, "no work '%s'\n", argv[first]);
    return 2;
  }
  return fibres ? as_fibres(config, std::atoi(argv[3]), work) : as_process(work);
}
