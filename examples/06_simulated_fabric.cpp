// The same program on fabrics that are not there: 64 ranks of one process, each with its own bytes,
// and virtual time that is the same in every run.
#include <tutti/sim.h>

#include <cstdio>
#include <cstdlib>
#include <tutti/tutti.hpp>
#include <vector>

namespace {

constexpr int kRanks = 64;
constexpr std::size_t kCount = 16384;

// Times of one rank, in picoseconds.
struct Times {
  std::uint64_t all_reduce = 0;
  std::uint64_t all_to_all = 0;
};

std::uint64_t now() {
  std::uint64_t time = 0;
  tuttiSimGetTime(&time);
  return time;
}

tuttiResult_t run_rank(tuttiComm_t comm, int rank, Times& times) {
  std::vector<float> values(kCount, static_cast<float>(rank));
  std::vector<float> sums(kCount);
  tuttiResult_t result = tuttiBarrier(comm, nullptr);
  if (result != tuttiSuccess) return result;
  std::uint64_t start = now();
  result =
      tuttiAllReduce(values.data(), sums.data(), kCount, tuttiFloat32, tuttiSum, comm, nullptr);
  if (result != tuttiSuccess) return result;
  times.all_reduce = now() - start;
  if (sums[kCount - 1] != kRanks * (kRanks - 1) / 2) return tuttiInternalError;

  result = tuttiBarrier(comm, nullptr);
  if (result != tuttiSuccess) return result;
  start = now();
  result = tuttiAlltoAll(values.data(), sums.data(), kCount / kRanks, tuttiFloat32, comm, nullptr);
  times.all_to_all = now() - start;
  if (sums[kCount - 1] != kRanks - 1) return tuttiInternalError;
  return result;
}

tuttiResult_t rank_of(int rank, int nranks, const tuttiUniqueId* id, void* user) {
  tuttiComm_t comm = nullptr;
  tuttiResult_t result = tuttiCommInitRank(&comm, nranks, *id, rank);
  if (result != tuttiSuccess) return result;
  auto& all = *static_cast<std::vector<Times>*>(user);
  result = run_rank(comm, rank, all[static_cast<std::size_t>(rank)]);
  const tuttiResult_t end = tuttiCommDestroy(comm);
  return result != tuttiSuccess ? result : end;
}

}  // namespace

int main() {
  std::printf("%d ranks, %zu floats: microseconds of rank 0\n", kRanks, kCount);
  std::printf("%-24s %12s %12s\n", "fabric", "all_reduce", "all_to_all");
  for (const char* fabric : {"cloudmatrix384", "cloudmatrix384-wire", "gb200-nvl72", "h800-ib"}) {
    tuttiSimConfig_t config = TUTTI_SIM_CONFIG_INITIALIZER;
    config.fabric = fabric;
    std::vector<Times> times(kRanks);
    if (tuttiSimRun(&config, kRanks, rank_of, &times, nullptr) != tuttiSuccess) {
      std::fprintf(stderr, "%s: %s\n", fabric, tuttiGetLastError(nullptr));
      return EXIT_FAILURE;
    }
    std::printf("%-24s %12.2f %12.2f\n", fabric, static_cast<double>(times[0].all_reduce) / 1e6,
                static_cast<double>(times[0].all_to_all) / 1e6);
  }
  return EXIT_SUCCESS;
}
