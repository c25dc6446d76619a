// Dispatches, and what they have to bring to each host, if every token goes there once.
//
//   dispatch_bytes RANKS_PER_HOST DISPATCHES
//
// Rank 0 prints "host H receives N bytes" for the rows of one dispatch that ranks of other hosts
// send to H. Fails where a row is not what its source sent.
#include <tutti/moe.h>
#include <tutti/tutti.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>
#include <vector>

namespace {

constexpr int kTokens = 128;
constexpr int kLanes = 8;
constexpr int kExpertsPerRank = 8;
constexpr std::size_t kWords = 7168 / 2;  // of a row of 7168 bfloat16

void check(tuttiResult_t result, const char* what) {
  if (result == tuttiSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, tuttiGetLastError(nullptr));
  std::exit(EXIT_FAILURE);
}
#define CHECK(call) check((call), #call)

std::vector<std::int32_t> routing_of(int rank, int ranks) {
  std::mt19937 random(static_cast<unsigned>(rank) + 1);
  const auto experts = static_cast<unsigned>(ranks * kExpertsPerRank);
  std::vector<std::int32_t> topk;
  for (int token = 0; token < kTokens; ++token) {
    std::set<std::int32_t> chosen;
    while (chosen.size() < kLanes) chosen.insert(static_cast<std::int32_t>(random() % experts));
    topk.insert(topk.end(), chosen.begin(), chosen.end());
  }
  return topk;
}

std::size_t bytes_to(int host, int ranks, int ranks_per_host) {
  std::size_t rows = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    if (rank / ranks_per_host == host) continue;
    const std::vector<std::int32_t> topk = routing_of(rank, ranks);
    for (int token = 0; token < kTokens; ++token) {
      bool visits = false;
      for (int lane = 0; lane < kLanes; ++lane) {
        const int expert =
            topk[static_cast<std::size_t>(token) * kLanes + static_cast<std::size_t>(lane)];
        visits = visits || expert / kExpertsPerRank / ranks_per_host == host;
      }
      rows += visits ? 1 : 0;
    }
  }
  return rows * kWords * sizeof(std::uint32_t);
}

std::uint32_t word(int rank, int token, int step) {
  return static_cast<std::uint32_t>((rank * kTokens + token) * 64 + step);
}

}  // namespace

int main(int argc, char** argv) {
  const int ranks_per_host = argc == 3 ? std::atoi(argv[1]) : 0;
  const int dispatches = argc == 3 ? std::atoi(argv[2]) : 0;
  if (ranks_per_host < 1 || dispatches < 1) {
    std::fprintf(stderr, "usage: dispatch_bytes RANKS_PER_HOST DISPATCHES\n");
    return 2;
  }
  tuttiComm_t comm = nullptr;
  CHECK(tuttiCommInitWorld(&comm));
  int rank = 0, ranks = 0;
  CHECK(tuttiCommUserRank(comm, &rank));
  CHECK(tuttiCommCount(comm, &ranks));
  tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
  config.num_experts = ranks * kExpertsPerRank;
  config.max_tokens_per_rank = kTokens;
  config.max_topk = kLanes;
  config.max_row_bytes = kWords * sizeof(std::uint32_t);
  tuttiMoeGroup_t group = nullptr;
  CHECK(tuttiMoeGroupCreate(comm, &config, &group));
  tuttiMoePlan_t plan = nullptr;
  CHECK(tuttiMoePlanCreate(group, &plan));
  const std::vector<std::int32_t> topk = routing_of(rank, ranks);
  std::vector<std::uint32_t> rows(kTokens * kWords);
  for (int step = 0; step < dispatches; ++step) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i] = word(rank, static_cast<int>(i / kWords), step);
    }
    CHECK(tuttiMoePlanUpdate(plan, topk.data(), tuttiInt32, kLanes, kTokens, kLanes));
    tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
    args.rows = rows.data();
    args.row_bytes = config.max_row_bytes;
    tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
    CHECK(tuttiMoeDispatch(plan, &args, &output, nullptr));
    std::vector<tuttiMoeSource_t> sources(output.num_rows);
    tuttiMoeCounts_t counts = TUTTI_MOE_COUNTS_INITIALIZER;
    counts.layout = args.layout;
    counts.sources = sources.data();
    counts.sources_capacity = sources.size();
    CHECK(tuttiMoePlanCounts(plan, &counts));
    const auto* const got = static_cast<const std::uint32_t*>(output.rows);
    for (std::size_t i = 0; i < output.num_rows * kWords; ++i) {
      const tuttiMoeSource_t& source = sources[i / kWords];
      if (got[i] == word(source.rank, source.token, step)) continue;
      std::fprintf(stderr, "rank %d: word %zu of row %zu, token %d of rank %d, is %u, not %u\n",
                   rank, i % kWords, i / kWords, source.token, source.rank, got[i],
                   word(source.rank, source.token, step));
      return EXIT_FAILURE;
    }
  }
  if (rank == 0) {
    for (int host = 0; host < ranks / ranks_per_host; ++host) {
      std::printf("host %d receives %zu bytes\n", host, bytes_to(host, ranks, ranks_per_host));
    }
  }
  CHECK(tuttiMoePlanDestroy(plan));
  CHECK(tuttiMoeGroupDestroy(group));
  CHECK(tuttiCommDestroy(comm));
  return 0;
}
