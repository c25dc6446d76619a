// Which work an operation is charged for. Each test compares a run where one kind of work costs
// with one where nothing does: two ranks of a package that begin together differ by exactly that.
#include <tutti/moe.h>

#include <array>

#include "bus_rank.hpp"
#include "communicator/communicator.hpp"
#include "tests/unit/base/scoped_variable.hpp"

namespace tutti::ub::test {
namespace {

// The pieces of a program; each begins at the same time on all ranks.
using Pieces = std::vector<std::function<void()>>;
using Program = std::function<Pieces(int rank, tuttiComm_t comm)>;

// Times to start with: 1 ps a byte, all else free.
Software free_software() {
  const Decimal rate = *Decimal::parse("1000");
  return {.cores = 4,
          .token_load_GBps = rate,
          .quantise_GBps = rate,
          .local_copy_GBps = rate,
          .reduce_GBps = rate};
}

// How long each piece took rank 0.
std::vector<std::int64_t> durations(const Software& software, int ranks, const Program& program) {
  SimulationOptions options{.profile = load_profile("cloudmatrix384")};
  options.profile.software = software;
  options.placement.ranks = ranks;
  Simulation simulation(std::move(options));
  tutti::LocalGroup group(ranks, std::chrono::seconds(120));
  std::vector<std::int64_t> result;
  const SimulationReport report = simulation.run([&](int rank) {
    Settings settings = Settings::read(nullptr, "simulated");
    settings.transport = "ub";
    const auto bootstrap = group.bootstrap(rank);
    const tuttiComm_t comm = std::make_unique<tuttiComm>(*bootstrap, settings).release();
    Scheduler& scheduler = Simulation::current()->scheduler();
    int number = 0;
    for (const auto& piece : program(rank, comm)) {
      const Picoseconds start = us(10'000) * ++number;
      scheduler.advance(start - scheduler.now());
      piece();
      if (rank == 0) result.push_back((scheduler.now() - start).count());
    }
    bootstrap->all_gather({}, {});
    EXPECT_EQ(tuttiCommDestroy(comm), tuttiSuccess);
  });
  expect_finished(report);
  return result;
}

// What a piece takes longer with `field` than without, in picoseconds.
struct Field {
  const char* name;
  void (*set)(Software&);
};
constexpr Field kEntry{"entry", [](Software& s) { s.operator_entry_ns = *Decimal::parse("1"); }};
constexpr Field kSync{"sync", [](Software& s) { s.core_sync_ns = *Decimal::parse("1"); }};
constexpr Field kLongSync{"long sync",
                          [](Software& s) { s.core_sync_ns = *Decimal::parse("100000"); }};
constexpr Field kCount{"count", [](Software& s) { s.count_ns = *Decimal::parse("1"); }};
constexpr Field kPoll{"poll", [](Software& s) { s.poll_ns = *Decimal::parse("50"); }};
// 10 ps a byte instead of 1.
constexpr Field kLoad{"load", [](Software& s) { s.token_load_GBps = *Decimal::parse("100"); }};
constexpr Field kCopy{"copy", [](Software& s) { s.local_copy_GBps = *Decimal::parse("100"); }};
constexpr Field kReduce{"reduce", [](Software& s) { s.reduce_GBps = *Decimal::parse("100"); }};

std::vector<std::int64_t> longer(const Field& field, int ranks, const Program& program) {
  Software software = free_software();
  const std::vector<std::int64_t> before = durations(software, ranks, program);
  field.set(software);
  std::vector<std::int64_t> after = durations(software, ranks, program);
  for (std::size_t i = 0; i < after.size(); ++i) after[i] -= before[i];
  return after;
}

#define OK(call) EXPECT_EQ(call, tuttiSuccess) << #call

struct HeapBuffer {
  explicit HeapBuffer(std::size_t bytes) { OK(tuttiMemAlloc(&data, bytes)); }
  ~HeapBuffer() { OK(tuttiMemFree(data)); }
  HeapBuffer(const HeapBuffer&) = delete;
  HeapBuffer& operator=(const HeapBuffer&) = delete;
  void* data = nullptr;
};

Pieces one(std::function<void()> piece) { return {std::move(piece)}; }

Program all_reduce(std::size_t count) {
  return [count](int, tuttiComm_t comm) {
    auto in = std::make_shared<HeapBuffer>(count * sizeof(float));
    auto out = std::make_shared<HeapBuffer>(count * sizeof(float));
    return one([=] {
      OK(tuttiAllReduce(in->data, out->data, count, tuttiFloat32, tuttiSum, comm, nullptr));
    });
  };
}

Program all_gather(std::size_t bytes) {
  return [bytes](int, tuttiComm_t comm) {
    auto in = std::make_shared<std::vector<std::byte>>(bytes);
    auto out = std::make_shared<std::vector<std::byte>>(4 * bytes);
    return one(
        [=] { OK(tuttiAllGather(in->data(), out->data(), bytes, tuttiInt8, comm, nullptr)); });
  };
}

using Longer = std::vector<std::int64_t>;

TEST(OperationWork, OfARankAloneIsAnEntryAndACopyOrAPassOfTheOperator) {
  EXPECT_EQ(longer(kEntry, 1, all_reduce(1000)), Longer{1000});
  EXPECT_EQ(longer(kReduce, 1, all_reduce(1000)), Longer{36'000});
  EXPECT_EQ(longer(kCopy, 1, all_reduce(1000)), Longer{0});
  EXPECT_EQ(longer(kCopy, 1, all_gather(1000)), Longer{9'000});
  EXPECT_EQ(longer(kReduce, 1, all_gather(1000)), Longer{0});
  EXPECT_EQ(longer(kSync, 1, all_gather(1000)), Longer{0});
}

TEST(OperationWork, OfASmallAllReduceHasNothingForManyCores) {
  const ScopedVariable forced("TUTTI_ALGO", "line");
  EXPECT_EQ(longer(kEntry, 2, all_reduce(2)), Longer{1000});
  EXPECT_EQ(longer(kSync, 2, all_reduce(2)), Longer{0});
  EXPECT_EQ(longer(kPoll, 2, all_reduce(2)), Longer{50'000}) << "the peer's line";
  EXPECT_EQ(longer(kReduce, 2, all_reduce(2)), Longer{9L * 2 * 8}) << "two inputs of 8 bytes";
}

TEST(OperationWork, OfATwoShotReductionIsAShareOfEveryInput) {
  const ScopedVariable forced("TUTTI_ALGO", "two_shot");
  EXPECT_EQ(longer(kEntry, 2, all_reduce(2048)), Longer{1000});
  EXPECT_EQ(longer(kSync, 2, all_reduce(2048)), Longer{0}) << "while the sums are on their way";
  const std::int64_t sync = longer(kLongSync, 2, all_reduce(2048))[0];
  EXPECT_LE(sync, 100'000'000);
  EXPECT_GT(sync, 99'000'000) << "all but what the sums are on their way: before it says done";
  EXPECT_EQ(longer(kPoll, 2, all_reduce(2048)), Longer{100'000}) << "ready, done";
  EXPECT_EQ(longer(kReduce, 2, all_reduce(2048)), Longer{9L * 2 * 4096});
  EXPECT_EQ(longer(kCopy, 2, all_reduce(2048)), Longer{0}) << "read and written in place";
}

TEST(OperationWork, OfAPushedReductionIsAShareOfEveryInputAndCopies) {
  const ScopedVariable forced("TUTTI_ALGO", "two_shot_push");
  EXPECT_EQ(longer(kEntry, 2, all_reduce(2048)), Longer{1000});
  EXPECT_EQ(longer(kSync, 2, all_reduce(2048)), Longer{1000}) << "before it sends the sums";
  EXPECT_EQ(longer(kPoll, 2, all_reduce(2048)), Longer{100'000}) << "the inputs, the sums";
  EXPECT_EQ(longer(kReduce, 2, all_reduce(2048)), Longer{9L * 2 * 4096});
  // The own share is copied while the peer's is on its way; the result out of staging at the end.
  EXPECT_EQ(longer(kCopy, 2, all_reduce(2048)), Longer{9L * 2 * 4096});
}

TEST(OperationWork, OfAnExchangeIsWhatItCopiesBeforeItTells) {
  const ScopedVariable forced("TUTTI_ALGO", "exchange");
  EXPECT_EQ(longer(kEntry, 2, all_gather(512)), Longer{1000});
  EXPECT_EQ(longer(kPoll, 2, all_gather(512)), Longer{50'000});
  // To staging. The own row is copied while the line is on its way.
  EXPECT_EQ(longer(kCopy, 2, all_gather(512)), Longer{9L * 512});
}

// Four tokens a rank, each for an expert on either rank.
constexpr int kTokens = 4;
constexpr std::size_t kRow = 1024;

Program moe(bool staged) {
  return [staged](int, tuttiComm_t comm) {
    struct State {
      tuttiMoeGroup_t group = nullptr;
      tuttiMoePlan_t plan = nullptr;
      std::vector<std::byte> plain = std::vector<std::byte>(kTokens * kRow);
      void* rows = nullptr;
      tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
      std::vector<std::byte> sums = std::vector<std::byte>(kTokens * kRow);
      ~State() {
        OK(tuttiMoePlanDestroy(plan));
        OK(tuttiMoeGroupDestroy(group));
      }
    };
    auto state = std::make_shared<State>();
    tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
    config.num_experts = 4;
    config.max_tokens_per_rank = kTokens;
    config.max_topk = 2;
    config.max_row_bytes = kRow;
    OK(tuttiMoeGroupCreate(comm, &config, &state->group));
    OK(tuttiMoePlanCreate(state->group, &state->plan));
    OK(tuttiMoeBuffer(state->group, kTokens * kRow, &state->rows));
    if (staged) state->rows = state->plain.data();
    const auto count = [state] {
      const std::array<std::int32_t, std::size_t{2} * kTokens> ids{0, 2, 1, 3, 0, 3, 1, 2};
      OK(tuttiMoePlanUpdate(state->plan, ids.data(), tuttiInt32, 2, kTokens, 2));
      tuttiMoeCounts_t counts = TUTTI_MOE_COUNTS_INITIALIZER;
      OK(tuttiMoePlanCounts(state->plan, &counts));
      EXPECT_EQ(counts.num_rows, 2U * kTokens);
    };
    const auto dispatch = [state] {
      tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
      args.rows = state->rows;
      args.row_bytes = kRow;
      OK(tuttiMoeDispatch(state->plan, &args, &state->output, nullptr));
    };
    const auto combine = [state] {
      tuttiMoeCombineArgs_t args = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
      args.rows = state->output.rows;
      args.hidden = kRow / 2;
      args.reduction = tuttiMoeRankOrder;
      OK(tuttiMoeCombine(state->plan, &args, state->sums.data(), nullptr));
    };
    return Pieces{count, dispatch, combine};
  };
}

// Counts, dispatch, combine.
TEST(OperationWork, OfAStepOfTokens) {
  EXPECT_EQ(longer(kEntry, 2, moe(false)), (Longer{0, 1000, 1000})) << "counts belong to dispatch";
  EXPECT_EQ(longer(kSync, 2, moe(false)), (Longer{2000, 2000, 2000}))
      << "sorted, counted; ready, done";
  EXPECT_EQ(longer(kPoll, 2, moe(false)), (Longer{50'000, 100'000, 100'000}));
  EXPECT_EQ(longer(kCount, 2, moe(false)), (Longer{1000, 0, 0})) << "of a rank a core";
  EXPECT_EQ(longer(kReduce, 2, moe(false)), (Longer{0, 0, 9L * kTokens * 2 * kRow}));
  EXPECT_EQ(longer(kLoad, 2, moe(false)), (Longer{0, 0, 0})) << "peers read rows where they are";
  EXPECT_EQ(longer(kLoad, 2, moe(true)), (Longer{0, 9 * kRow, 0})) << "a token a core";
}

// A stream's computation passes the stream's time; its rank goes on.
TEST(OperationWork, OnAStreamIsTheStreamsTime) {
  const auto program = [](int, tuttiComm_t) {
    return one([] {
      Scheduler& scheduler = Simulation::current()->scheduler();
      const Picoseconds start = scheduler.now();
      tuttiStream_t stream = nullptr;
      OK(tuttiStreamCreate(&stream));
      const tuttiHostFn compute = [](void*) { Simulation::current()->compute(us(9)); };
      OK(tuttiLaunchHostFunc(stream, compute, nullptr));
      Simulation::current()->compute(us(4));
      EXPECT_EQ(scheduler.now(), start + us(4));
      OK(tuttiStreamSynchronize(stream));
      EXPECT_EQ(scheduler.now(), start + us(9));
      OK(tuttiStreamDestroy(stream));
    });
  };
  EXPECT_EQ(durations(free_software(), 1, program), Longer{9'000'000});
}

}  // namespace
}  // namespace tutti::ub::test
