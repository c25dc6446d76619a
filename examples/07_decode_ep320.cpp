// DeepSeek-R1 decoding on CloudMatrix384 at EP320, emulated: every one of 320 dies runs the calls
// of an engine - two microbatches that overlap on two streams, dispatch and combine of 58 MoE
// layers - and virtual time tells what a layer and a token take, beside the published figures.
//
//   07_decode_ep320 [LAYERS [RANKS]]
//
// What is emulated (arXiv 2506.12708): 61 layers, of which the first three are dense; hidden 7168;
// top-8 of 320 experts' places, one a die (32 copies of the shared expert, which is what every
// token visits too, 256 routed experts and 32 redundant ones); 96 tokens a die and step, half of
// them speculative, in two microbatches. One stream has two thirds of a die's cores for attention,
// the other one third for gate, dispatch, experts and combine.
#include <tutti/moe.h>
#include <tutti/sim.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace {

constexpr int kDenseLayers = 3;
constexpr int kMicrobatches = 2;
constexpr int kTokens = 48;  // of a die and microbatch
constexpr int kTopK = 9;     // eight routed experts and the shared one
constexpr std::size_t kHidden = 7168;

// What a die computes for a microbatch of a layer.
constexpr std::uint64_t kAttentionNs = 600'000;  // published, of this stream
// 432 rows through three matrices of 7168 x 2048 are 38e9 operations of INT8. A die has 752e12 a
// second (half of a package's 1504e12), of which a third of its cores, two thirds busy, have 167.
constexpr std::uint64_t kExpertsNs = 228'000;
constexpr std::uint64_t kGateNs = 30'000;  // estimate: 48 rows of a matrix of 7168 x 256, top-8

constexpr double kAccepted = 0.7;  // of the speculative tokens, as published figures assume
constexpr int kSequencesPerPackage = 96;

// Sums over the ranks' steps of one phase, in picoseconds.
struct Phase {
  std::uint64_t sum = 0;
  std::uint64_t most = 0;
  std::uint64_t count = 0;

  void add(std::uint64_t time) {
    sum += time;
    most = std::max(most, time);
    ++count;
  }
  double mean_us() const { return static_cast<double>(sum) / static_cast<double>(count) / 1e6; }
  double most_us() const { return static_cast<double>(most) / 1e6; }
};

// All ranks are fibres of one thread: they share this without locks.
struct Decode {
  int layers = 61;
  int ranks = 320;
  Phase dispatch, combine;
  std::uint64_t start = UINT64_MAX;
  std::uint64_t end = 0;
};

// The first call that failed is what the rank returns.
class Checked {
 public:
  Checked& operator=(tuttiResult_t code) {
    if (code_ == tuttiSuccess) code_ = code;
    return *this;
  }
  tuttiResult_t code() const { return code_; }
  bool ok() const { return code_ == tuttiSuccess; }

 private:
  tuttiResult_t code_ = tuttiSuccess;
};

std::uint64_t now() {
  std::uint64_t time = 0;
  tuttiSimGetTime(&time);
  return time;
}

// A stream notes the time when its turn comes.
void note_time(void* where) { *static_cast<std::uint64_t*>(where) = now(); }

struct Microbatch {
  tuttiMoePlan_t plan = nullptr;
  tuttiEvent_t attended = nullptr;
  tuttiEvent_t done = nullptr;
  void* rows = nullptr;  // INT8, with a scale each
  void* scales = nullptr;
  void* results = nullptr;  // BF16
  void* sums = nullptr;
  tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
  std::vector<std::int32_t> experts;
  std::uint64_t times[4] = {};  // of the layer under way: around dispatch, around combine
};

class Rank {
 public:
  Rank(Decode& decode, int rank, const tuttiUniqueId& id)
      : decode_(decode), random_(static_cast<unsigned>(rank) + 1) {
    ok_ = tuttiCommInitRank(&comm_, decode.ranks, id, rank);
    ok_ = tuttiStreamCreate(&attention_);
    ok_ = tuttiStreamCreate(&experts_);
    tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
    config.num_experts = decode.ranks;
    config.max_tokens_per_rank = kTokens;
    config.max_topk = kTopK;
    config.max_row_bytes = 2 * kHidden;
    config.max_side_bytes = sizeof(float);
    config.rows_per = tuttiMoeRowsPerLane;
    if (ok_.ok()) ok_ = tuttiMoeGroupCreate(comm_, &config, &group_);
    for (Microbatch& batch : batches_) {
      if (!ok_.ok()) return;
      ok_ = tuttiMoePlanCreate(group_, &batch.plan);
      ok_ = tuttiEventCreate(&batch.attended);
      ok_ = tuttiEventCreate(&batch.done);
      ok_ = tuttiMemAlloc(&batch.rows, kTokens * kHidden);
      ok_ = tuttiMemAlloc(&batch.scales, kTokens * sizeof(float));
      ok_ = tuttiMemAlloc(&batch.sums, kTokens * kHidden * 2);
      // What the experts make of the rows that arrived; a rank has one expert.
      ok_ = tuttiMemAlloc(&batch.results,
                          static_cast<std::size_t>(decode.ranks) * kTokens * kHidden * 2);
      batch.experts.resize(std::size_t{kTokens} * kTopK);
    }
  }
  ~Rank() {
    for (Microbatch& batch : batches_) {
      tuttiMoePlanDestroy(batch.plan);
      tuttiEventDestroy(batch.attended);
      tuttiEventDestroy(batch.done);
    }
    tuttiMoeGroupDestroy(group_);
    tuttiStreamDestroy(attention_);
    tuttiStreamDestroy(experts_);
    tuttiCommDestroy(comm_);
  }
  Rank(const Rank&) = delete;
  Rank& operator=(const Rank&) = delete;

  tuttiResult_t run() {
    if (ok_.ok()) ok_ = tuttiBarrier(comm_, nullptr);
    decode_.start = std::min(decode_.start, now());
    for (Microbatch& batch : batches_) attend(batch);
    for (int layer = 0; layer < decode_.layers && ok_.ok(); ++layer) {
      for (Microbatch& batch : batches_) {
        // The gate needs what attention has made; meanwhile the other microbatch is with the
        // experts.
        ok_ = tuttiEventSynchronize(batch.attended);
        if (layer < kDenseLayers) {
          ok_ = tuttiSimCompute(comm_, kGateNs + kExpertsNs, experts_);
        } else {
          ask_experts(batch);
        }
        ok_ = tuttiEventRecord(batch.done, experts_);
        if (layer + 1 == decode_.layers) continue;
        ok_ = tuttiStreamWaitEvent(attention_, batch.done);
        attend(batch);
      }
    }
    ok_ = tuttiStreamSynchronize(experts_);
    note_phases();
    decode_.end = std::max(decode_.end, now());
    return ok_.code();
  }

 private:
  void attend(const Microbatch& batch) {
    ok_ = tuttiSimCompute(comm_, kAttentionNs, attention_);
    ok_ = tuttiEventRecord(batch.attended, attention_);
  }

  void ask_experts(Microbatch& batch) {
    // The layer before of this microbatch is over.
    if (batch.times[3] != 0) note(batch);
    route(batch);
    ok_ = tuttiMoePlanUpdate(batch.plan, batch.experts.data(), tuttiInt32, kTopK, kTokens, kTopK);
    ok_ = tuttiSimCompute(comm_, kGateNs, experts_);
    ok_ = tuttiLaunchHostFunc(experts_, note_time, &batch.times[0]);
    tuttiMoeDispatchArgs_t dispatch = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
    dispatch.rows = batch.rows;
    dispatch.row_bytes = kHidden;
    dispatch.side = batch.scales;
    dispatch.side_bytes = sizeof(float);
    dispatch.layout = tuttiMoeLayoutExpert;
    batch.output = TUTTI_MOE_OUTPUT_INITIALIZER;  // the library's rows
    ok_ = tuttiMoeDispatch(batch.plan, &dispatch, &batch.output, experts_);
    ok_ = tuttiLaunchHostFunc(experts_, note_time, &batch.times[1]);
    ok_ = tuttiSimCompute(comm_, kExpertsNs, experts_);
    ok_ = tuttiLaunchHostFunc(experts_, note_time, &batch.times[2]);
    tuttiMoeCombineArgs_t combine = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
    combine.rows = batch.results;
    combine.hidden = kHidden;
    ok_ = tuttiMoeCombine(batch.plan, &combine, batch.sums, experts_);
    ok_ = tuttiLaunchHostFunc(experts_, note_time, &batch.times[3]);
  }

  // Distinct experts for every token. Routed ones are as likely as each other; of a shared expert's
  // copies each die has one.
  void route(Microbatch& batch) {
    const int shared = std::max(decode_.ranks / 10, 1);
    std::uniform_int_distribution<int> routed(shared, decode_.ranks - 1);
    for (std::size_t token = 0; token < kTokens; ++token) {
      std::int32_t* const chosen = &batch.experts[token * kTopK];
      chosen[0] = static_cast<std::int32_t>(random_() % static_cast<unsigned>(shared));
      for (int lane = 1; lane < kTopK;) {
        chosen[lane] = routed(random_);
        if (std::find(chosen, chosen + lane, chosen[lane]) == chosen + lane) ++lane;
      }
    }
  }

  void note(Microbatch& batch) {
    decode_.dispatch.add(batch.times[1] - batch.times[0]);
    decode_.combine.add(batch.times[3] - batch.times[2]);
    batch.times[3] = 0;
  }
  void note_phases() {
    for (Microbatch& batch : batches_) {
      if (batch.times[3] != 0) note(batch);
    }
  }

  Decode& decode_;
  std::mt19937 random_;
  Checked ok_;
  tuttiComm_t comm_ = nullptr;
  tuttiMoeGroup_t group_ = nullptr;
  tuttiStream_t attention_ = nullptr, experts_ = nullptr;
  Microbatch batches_[kMicrobatches];
};

tuttiResult_t rank_of(int rank, int, const tuttiUniqueId* id, void* user) {
  Rank self(*static_cast<Decode*>(user), rank, *id);
  return self.run();
}

}  // namespace

int main(int argc, char** argv) {
  Decode decode;
  if (argc > 1) decode.layers = std::atoi(argv[1]);
  if (argc > 2) decode.ranks = std::atoi(argv[2]);
  if (decode.layers <= kDenseLayers || decode.ranks < 2 * kTopK || argc > 3) {
    std::fprintf(stderr, "usage: %s [LAYERS, at least %d [RANKS, at least %d]]\n", argv[0],
                 kDenseLayers + 1, 2 * kTopK);
    return 2;
  }
  // Dispatch and combine have a third of a die's 48 cores.
  const char* const settings[] = {"cores=16"};
  tuttiSimConfig_t config = TUTTI_SIM_CONFIG_INITIALIZER;
  config.fabric = "cloudmatrix384";
  config.rank_per = "die";
  config.settings = settings;
  config.num_settings = 1;
  config.flags = TUTTI_SIM_TIMING_ONLY;
  if (tuttiSimRun(&config, decode.ranks, rank_of, &decode, nullptr) != tuttiSuccess) {
    std::fprintf(stderr, "%s\n", tuttiGetLastError(nullptr));
    return 1;
  }
  const double step_ms = static_cast<double>(decode.end - decode.start) / 1e9;
  const double layer_us = 1e3 * step_ms / decode.layers;
  // The first and the last half of a microbatch have nobody to overlap with: over many layers they
  // vanish.
  const double tpot_ms = 61 * layer_us / 1e3 / (1 + kAccepted);
  std::printf("DeepSeek-R1 decoding, %d dies, %d layers, %d tokens a die and step\n", decode.ranks,
              decode.layers, kTokens * kMicrobatches);
  std::printf("%-34s %10s %10s\n", "", "predicted", "published");
  std::printf("%-34s %10.1f %10s\n", "dispatch, mean over ranks (us)", decode.dispatch.mean_us(),
              "");
  std::printf("%-34s %10.1f %10s\n", "dispatch, slowest (us)", decode.dispatch.most_us(), "");
  std::printf("%-34s %10.1f %10s\n", "combine, mean over ranks (us)", decode.combine.mean_us(), "");
  std::printf("%-34s %10.1f %10s\n", "combine, slowest (us)", decode.combine.most_us(), "");
  std::printf("%-34s %10.1f %10s\n", "gate, dispatch, experts, combine",
              decode.dispatch.mean_us() + decode.combine.mean_us() + (kGateNs + kExpertsNs) / 1e3,
              "about 600");
  std::printf("%-34s %10.1f %10d\n", "layer (us)", layer_us, 1260);
  std::printf("%-34s %10.1f %10.1f\n", "time per output token (ms)", tpot_ms, 49.4);
  std::printf("%-34s %10.0f %10d\n", "tokens per second and package",
              kSequencesPerPackage / tpot_ms * 1e3, 1943);
  if (std::fflush(stdout) != 0) {
    std::perror("writing the table");
    return 1;
  }
  return 0;
}
