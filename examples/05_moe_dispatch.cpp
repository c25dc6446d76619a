// Token dispatch and combine, small enough to print: 3 ranks, 6 experts, top-2, two tokens a rank.
// examples/moe_layer does the same at DeepSeek-R1's sizes, with real experts.
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <tutti/tutti.hpp>
#include <vector>

namespace {

constexpr int kRanks = 3, kExperts = 6, kTopK = 2;
constexpr std::size_t kHidden = 2;

// Expert e multiplies by e + 1.
float expert(int id, float x) { return static_cast<float>(id + 1) * x; }

// Returns the number of wrong elements.
int run_rank(tutti::Communicator& comm) {
  tuttiMoeConfig_t config = tutti::moe_config();
  config.num_experts = kExperts;  // two on each rank
  config.max_tokens_per_rank = 2;
  config.max_topk = kTopK;
  config.max_row_bytes = kHidden * sizeof(float);
  tutti::MoeGroup group(comm, config);
  tutti::MoePlan plan(group);

  // Token t of rank r is (10 r + t, ...); it visits experts r and r + 2 + t with weights 1/4 and
  // 3/4.
  const int r = comm.rank();
  std::vector<float> tokens, weights;
  std::vector<std::int32_t> experts;
  for (int t = 0; t < 2; ++t) {
    tokens.insert(tokens.end(), kHidden, static_cast<float>(10 * r + t));
    experts.insert(experts.end(), {r, r + 2 + t});
    weights.insert(weights.end(), {0.25f, 0.75f});
  }

  // 1. The routing goes out first: from here on every rank can know what it will receive.
  plan.update(experts, kTopK);
  const auto counts = plan.counts(tuttiMoeLayoutExpert);

  // 2. Rows go out; they arrive grouped by local expert, in memory of the library.
  auto arrived = plan.dispatch(tokens, kHidden, weights, tuttiMoeLayoutExpert);
  const std::span rows(static_cast<float*>(arrived.rows), arrived.num_rows * kHidden);

  // 3. Experts work in place. Threads print whole lines, in any order.
  const auto local = group.local_experts();
  for (std::size_t e = 0; e < local.size(); ++e) {
    for (auto row = counts.expert_offsets[e]; row < counts.expert_offsets[e + 1]; ++row) {
      const auto i = static_cast<std::size_t>(row);
      const tuttiMoeSource_t& from = counts.sources[i];
      std::printf("rank %d, expert %d: row %zu is token %d of rank %d, by its lane %d\n", r,
                  local[e], i, from.token, from.rank, from.lane);
      for (float& x : rows.subspan(i * kHidden, kHidden)) x = expert(local[e], x);
    }
  }

  // 4. Results come home, weighted and summed in lane order.
  std::vector<float> out(tokens.size());
  plan.combine(rows, kHidden, out, tuttiMoeSourceOnly);

  int wrong = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int t = static_cast<int>(i / kHidden);
    wrong += out[i] != 0.25f * expert(r, tokens[i]) + 0.75f * expert(r + 2 + t, tokens[i]);
  }
  std::printf("rank %d: its tokens became %g and %g\n", r, static_cast<double>(out[0]),
              static_cast<double>(out[kHidden]));
  return wrong;
}

}  // namespace

int main() {
  try {
    auto comms = tutti::Communicator::all(kRanks);
    std::vector<int> wrong(kRanks, 1);
    {
      std::vector<std::jthread> threads;
      for (std::size_t rank = 0; rank < comms.size(); ++rank) {
        threads.emplace_back([&, rank] {
          try {
            wrong[rank] = run_rank(comms[rank]);
          } catch (const tutti::Error& error) {
            std::fprintf(stderr, "rank %zu: %s\n", rank, error.what());
          }
        });
      }
    }
    return wrong == std::vector(kRanks, 0) ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const tutti::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
