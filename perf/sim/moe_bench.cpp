// What an engine does on a simulated supernode, over the C API: tokens dispatched in layout TOKEN
// to library memory, read in place there by combine, every byte checked after every step. A step is
// update, dispatch and combine of all ranks; times are of the machine that simulates. For timing
// only the same step is run without its payload.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <tutti/moe.h>
#include <tutti/sim.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "perf/common/routing.hpp"

namespace tutti::perf {
namespace {

constexpr int kTokensPerRank = 128;
constexpr int kTopK = 8;
constexpr std::size_t kHidden = 3584;  // bfloat16: rows of 7168 bytes both ways
constexpr std::size_t kBytesPerRow = 2 * kHidden;
constexpr int kWarmSteps = 16;       // until every place of an operation's lines has been used once
constexpr std::size_t kValues = 16;  // that an element may have

// A whole number; none from -64 to 64 is rounded, and so no sum of kTopK rows.
std::uint16_t bf16_of(int value) {
  const float number = static_cast<float>(value);
  std::uint32_t bits = 0;
  std::memcpy(&bits, &number, sizeof(bits));
  return static_cast<std::uint16_t>(bits >> 16);
}

struct Moment {
  double wall_s = 0;
  double user_s = 0;
  double system_s = 0;
  double faults = 0;  // first touches of pages

  static Moment now() {
    const auto in_s = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    const auto wall = std::chrono::steady_clock::now().time_since_epoch();
    return {std::chrono::duration<double>(wall).count(), in_s(usage.ru_utime), in_s(usage.ru_stime),
            static_cast<double>(usage.ru_minflt)};
  }
  Moment since(const Moment& start) const {
    return {wall_s - start.wall_s, user_s - start.user_s, system_s - start.system_s,
            faults - start.faults};
  }
};

// What the ranks share: they are fibres of one thread.
struct MoeRun {
  benchmark::State* state = nullptr;
  int ranks = 0;
  bool timing_only = false;
  std::vector<std::uint16_t*> rows;  // [rank]: the tokens of each
  std::uint64_t step = 0;
  double first_s = 0;
  bool over = false;

  // Of the step under way: from the first rank's start to the last one's end.
  int started = 0;
  int ended = 0;
  Moment start;
  Moment took;
  std::uint64_t start_ps = 0;
  std::uint64_t took_ps = 0;
  std::uint64_t wrong = 0;
};

class MoeRank {
 public:
  MoeRank(MoeRun& run, int rank, const tuttiUniqueId& id)
      : run_(run),
        rank_(rank),
        routing_(make_routing({}, {.tokens = kTokensPerRank, .topk = kTopK, .experts = run.ranks},
                              1, rank)),
        out_(run.timing_only ? 0 : kTokensPerRank * kHidden) {
    check(tuttiCommInitRank(&comm_, run.ranks, id, rank));
    tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
    config.num_experts = run.ranks;
    config.max_tokens_per_rank = kTokensPerRank;
    config.max_topk = kTopK;
    config.max_row_bytes = kBytesPerRow;
    check(tuttiMoeGroupCreate(comm_, &config, &group_));
    check(tuttiMoePlanCreate(group_, &plan_));
    void* rows = nullptr;
    check(tuttiMoeBuffer(group_, kTokensPerRank * kBytesPerRow, &rows));
    rows_ = run.rows[static_cast<std::size_t>(rank)] = static_cast<std::uint16_t*>(rows);
    sums_ = out_.data();
    if (!run.timing_only) return;
    check(tuttiMoeBuffer(group_, kTokensPerRank * kBytesPerRow, &rows));
    sums_ = static_cast<std::uint16_t*>(rows);
  }
  ~MoeRank() {
    tuttiMoePlanDestroy(plan_);
    tuttiMoeGroupDestroy(group_);
    tuttiCommDestroy(comm_);
  }
  MoeRank(const MoeRank&) = delete;
  MoeRank& operator=(const MoeRank&) = delete;

  void step() {
    if (!run_.timing_only) fill();
    barrier();
    begin();
    check(tuttiMoePlanUpdate(plan_, routing_.experts.data(), tuttiInt32, kTopK, kTokensPerRank,
                             kTopK));
    tuttiMoeDispatchArgs_t dispatch = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
    dispatch.rows = rows_;
    dispatch.row_bytes = kBytesPerRow;
    tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
    check(tuttiMoeDispatch(plan_, &dispatch, &output, nullptr));
    tuttiMoeCombineArgs_t combine = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
    combine.rows = output.rows;
    combine.hidden = kHidden;
    combine.reduction = tuttiMoeRankOrder;
    check(tuttiMoeCombine(plan_, &combine, sums_, nullptr));
    end();
    barrier();
    if (!run_.timing_only) run_.wrong += wrong_arrivals(output) + wrong_results();
    barrier();
  }

  void barrier() { check(tuttiBarrier(comm_, nullptr)); }

 private:
  static void check(tuttiResult_t code) {
    if (code == tuttiSuccess) return;
    throw std::runtime_error(std::string(tuttiGetErrorString(code)) + ": " +
                             tuttiGetLastError(nullptr));
  }

  // Element of this rank's row `token`, as a number of kValues; others in every step.
  std::size_t code(std::size_t token, std::size_t element) const {
    const std::uint64_t mixed =
        (run_.step * 977 + static_cast<std::uint64_t>(rank_) * 131 + token) * 0x9E3779B97F4A7C15u;
    return ((mixed >> element % 16 * 4) ^ element / 16) % kValues;
  }

  // The bfloat16s of all codes, times `factor`.
  static std::array<std::uint16_t, kValues> values(int factor) {
    std::array<std::uint16_t, kValues> all;
    for (std::size_t code = 0; code < kValues; ++code) {
      all[code] = bf16_of(factor * (static_cast<int>(code) - 8));
    }
    return all;
  }

  void fill() {
    const auto value = values(1);
    for (std::size_t token = 0; token < kTokensPerRank; ++token) {
      for (std::size_t h = 0; h < kHidden; ++h) {
        rows_[token * kHidden + h] = value[code(token, h)];
      }
    }
  }

  void begin() {
    if (run_.started++ > 0) return;
    check(tuttiSimGetTime(&run_.start_ps));
    run_.start = Moment::now();
  }

  void end() {
    if (++run_.ended < run_.ranks) return;
    run_.took = Moment::now().since(run_.start);
    std::uint64_t now = 0;
    check(tuttiSimGetTime(&now));
    run_.took_ps = now - run_.start_ps;
    run_.started = run_.ended = 0;
  }

  // Rows that are not those of the tokens that they stand for.
  std::uint64_t wrong_arrivals(const tuttiMoeOutput_t& output) {
    if (sources_.empty()) {
      tuttiMoeCounts_t counts = TUTTI_MOE_COUNTS_INITIALIZER;
      sources_.resize(output.num_rows);
      counts.sources = sources_.data();
      counts.sources_capacity = sources_.size();
      check(tuttiMoePlanCounts(plan_, &counts));
    }
    std::uint64_t wrong = output.num_rows == sources_.size() ? 0 : 1;
    const auto* row = static_cast<const std::byte*>(output.rows);
    for (const tuttiMoeSource_t& source : sources_) {
      const std::uint16_t* const sent = run_.rows[static_cast<std::size_t>(source.rank)] +
                                        static_cast<std::size_t>(source.token) * kHidden;
      wrong += std::memcmp(row, sent, kBytesPerRow) == 0 ? 0 : 1;
      row += kBytesPerRow;
    }
    return wrong;
  }

  // A token comes back once from each rank that it visited: every expert has a rank of its own.
  std::uint64_t wrong_results() const {
    std::uint64_t wrong = 0;
    const auto sums = values(kTopK);
    for (std::size_t token = 0; token < kTokensPerRank; ++token) {
      for (std::size_t h = 0; h < kHidden; ++h) {
        wrong += out_[token * kHidden + h] == sums[code(token, h)] ? 0 : 1;
      }
    }
    return wrong;
  }

  MoeRun& run_;
  int rank_;
  Routing routing_;
  tuttiComm_t comm_ = nullptr;
  tuttiMoeGroup_t group_ = nullptr;
  tuttiMoePlan_t plan_ = nullptr;
  std::uint16_t* rows_ = nullptr;
  std::vector<std::uint16_t> out_;
  std::uint16_t* sums_ = nullptr;
  std::vector<tuttiMoeSource_t> sources_;
};

// Rank 0 measures; the others go on as long as it does.
void measure_steps(MoeRun& run, MoeRank& rank) {
  benchmark::State& state = *run.state;
  state.counters["first_s"] = run.first_s;
  Moment sum;
  double least = std::numeric_limits<double>::infinity();
  for (auto _ : state) {
    ++run.step;
    rank.barrier();
    rank.step();
    state.SetIterationTime(run.took.wall_s);
    least = std::min(least, run.took.wall_s);
    sum.user_s += run.took.user_s;
    sum.system_s += run.took.system_s;
    sum.faults += run.took.faults;
  }
  const auto steps = static_cast<double>(state.iterations());
  state.counters["least_s"] = least;
  state.counters["user_s"] = sum.user_s / steps;
  state.counters["system_s"] = sum.system_s / steps;
  state.counters["page_faults"] = sum.faults / steps;
  state.counters["virtual_us"] = static_cast<double>(run.took_ps) / 1e6;
  state.counters["wrong"] = static_cast<double>(run.wrong);
  run.over = true;
  rank.barrier();
}

tuttiResult_t moe_rank(int number, int, const tuttiUniqueId* id, void* user) {
  MoeRun& run = *static_cast<MoeRun*>(user);
  MoeRank rank(run, number, *id);
  rank.step();  // makes what is made once
  if (number == 0) run.first_s = run.took.wall_s;
  for (int i = 1; i < kWarmSteps; ++i) rank.step();
  if (number == 0) {
    measure_steps(run, rank);
    return tuttiSuccess;
  }
  for (;;) {
    rank.barrier();
    if (run.over) return tuttiSuccess;
    rank.step();
  }
}

// range(0): ranks.
void run_steps(benchmark::State& state, bool timing_only) {
  MoeRun run{.state = &state,
             .ranks = static_cast<int>(state.range(0)),
             .timing_only = timing_only,
             .rows = {}};
  run.rows.resize(static_cast<std::size_t>(run.ranks));
  tuttiSimConfig_t config = TUTTI_SIM_CONFIG_INITIALIZER;
  config.rank_per = "package";
  config.flags = timing_only ? TUTTI_SIM_TIMING_ONLY : 0;
  if (run.ranks > 384) config.rank_per = "die";
  tuttiSimResult_t result = TUTTI_SIM_RESULT_INITIALIZER;
  if (tuttiSimRun(&config, run.ranks, moe_rank, &run, &result) != tuttiSuccess || run.wrong > 0) {
    const std::string why = run.wrong > 0 ? std::to_string(run.wrong) + " wrong rows or elements"
                                          : std::string(tuttiGetLastError(nullptr));
    state.SkipWithError(why.c_str());
    return;
  }
  const double steps = static_cast<double>(state.iterations()) + kWarmSteps;
  state.counters["transfers"] = static_cast<double>(result.transfers) / steps;
  state.counters["events"] = static_cast<double>(result.events) / steps;
  state.SetLabel(fmt::format("arrivals {:016x}, payload {:016x}", result.arrivals_digest,
                             result.payload_digest));
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_GiB"] = static_cast<double>(usage.ru_maxrss) / (1 << 20);
}
void BM_MoeStep(benchmark::State& state) { run_steps(state, false); }
void BM_MoeStepTimingOnly(benchmark::State& state) { run_steps(state, true); }
BENCHMARK(BM_MoeStepTimingOnly)
    ->Arg(384)
    ->Arg(768)
    ->UseManualTime()
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_MoeStep)
    ->Arg(64)
    ->Arg(384)
    ->UseManualTime()
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tutti::perf
