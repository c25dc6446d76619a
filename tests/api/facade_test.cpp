// Every call of the C++ facade, on ranks that are threads.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <tutti/tutti.hpp>

namespace {

using tutti::Communicator;
using Values = std::vector<float>;

// Runs body(comm) for each of `nranks` ranks, each on a thread.
template <typename Body>
void on_ranks(int nranks, Body body) {
  std::vector<Communicator> comms = Communicator::all(nranks);
  std::vector<std::jthread> threads;
  threads.reserve(comms.size());
  for (Communicator& comm : comms) {
    threads.emplace_back([&comm, body] {
      try {
        body(comm);
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
    });
  }
}

// The code of the tutti::Error that `body` throws, or tuttiSuccess.
template <typename Body>
tuttiResult_t code_of(Body body) {
  try {
    body();
    return tuttiSuccess;
  } catch (const tutti::Error& error) {
    EXPECT_STRNE(error.what(), "");
    return error.code();
  }
}

static_assert(tutti::data_type<char>::value == tuttiInt8);
static_assert(tutti::data_type<std::uint8_t>::value == tuttiUint8);
static_assert(tutti::data_type<std::int32_t>::value == tuttiInt32);
static_assert(tutti::data_type<std::uint32_t>::value == tuttiUint32);
static_assert(tutti::data_type<long>::value == tuttiInt64);
static_assert(tutti::data_type<unsigned long long>::value == tuttiUint64);
static_assert(tutti::data_type<float>::value == tuttiFloat32);
static_assert(tutti::data_type<double>::value == tuttiFloat64);
static_assert(tutti::data_type<tutti::float16>::value == tuttiFloat16);
static_assert(tutti::data_type<tutti::bfloat16>::value == tuttiBfloat16);
static_assert(tutti::data_type<tutti::float8e4m3>::value == tuttiFloat8e4m3);
static_assert(tutti::data_type<tutti::float8e5m2>::value == tuttiFloat8e5m2);
static_assert(!tutti::Writable<std::span<const float>> && tutti::Readable<std::span<const float>>);

TEST(Facade, TheVersionIsTheHeaders) { EXPECT_EQ(tutti::version(), TUTTI_VERSION_CODE); }

TEST(Facade, ReductionsTakeAnyRange) {
  on_ranks(2, [](Communicator& comm) {
    const float mine = static_cast<float>(comm.rank() + 1);
    std::array<float, 4> send{mine, mine, mine, mine};
    Values recv(4);
    EXPECT_STREQ(comm.algorithm(), "");
    comm.all_reduce(send, recv);
    EXPECT_STRNE(comm.algorithm(), "");
    EXPECT_EQ(recv, Values(4, 3.0f));
    comm.all_reduce(recv, recv, tuttiMax);
    EXPECT_EQ(recv, Values(4, 3.0f));

    Values rooted(comm.rank() == 1 ? 4 : 0);
    comm.reduce(send, rooted, 1);
    EXPECT_EQ(rooted, Values(comm.rank() == 1 ? 4 : 0, 3.0f));

    Values part(2);
    comm.reduce_scatter(send, part);
    EXPECT_EQ(part, Values(2, 3.0f));

    const std::array<std::size_t, 2> counts{1, 3}, displacements{0, 1};
    Values uneven(counts[static_cast<std::size_t>(comm.rank())]);
    comm.reduce_scatterv(send, {counts, displacements}, uneven);
    EXPECT_EQ(uneven, Values(uneven.size(), 3.0f));

    const auto scaled = comm.pre_mul_sum(10.0f);
    comm.all_reduce(send, recv, scaled);
    EXPECT_EQ(recv, Values(4, 30.0f));
  });
}

TEST(Facade, DataMovesBetweenRanks) {
  on_ranks(2, [](Communicator& comm) {
    const int rank = comm.rank(), peer = 1 - rank;
    const auto r = static_cast<float>(rank), p = static_cast<float>(peer);
    Values row{r}, pair{-1, -1};

    comm.all_gather(row, pair);
    EXPECT_EQ(pair, (Values{0, 1}));
    comm.all_to_all(Values{r, r}, pair);
    EXPECT_EQ(pair, (Values{0, 1}));

    Values copy{r};
    comm.broadcast(copy, 1);
    EXPECT_EQ(copy, Values{1});
    comm.broadcast(rank == 0 ? Values{5} : Values{}, copy, 0);
    EXPECT_EQ(copy, Values{5});

    Values gathered(rank == 0 ? 2 : 0);
    comm.gather(row, gathered, 0);
    EXPECT_EQ(gathered, rank == 0 ? (Values{0, 1}) : Values{});
    comm.scatter(rank == 0 ? Values{7, 8} : Values{}, copy, 0);
    EXPECT_EQ(copy, Values{7 + r});

    const std::array<std::size_t, 2> ones{1, 1}, places{0, 1};
    comm.all_to_allv(Values{r, r}, {ones, places}, pair, {ones, places});
    EXPECT_EQ(pair, (Values{0, 1}));
    comm.all_gatherv(row, pair, {ones, places});
    EXPECT_EQ(pair, (Values{0, 1}));

    if (rank == 0) comm.send(row, peer);
    if (rank == 1) {
      comm.recv(copy, peer);
      EXPECT_EQ(copy, Values{p});
    }
    comm.barrier();
    EXPECT_EQ(comm.async_error(), tuttiSuccess);
    comm.finalize();
  });
}

TEST(Facade, AGroupRunsItsCallsTogether) {
  on_ranks(2, [](Communicator& comm) {
    const int peer = 1 - comm.rank();
    const Values out{static_cast<float>(comm.rank())};
    Values in{-1};
    tutti::Group group;
    comm.send(out, peer);
    comm.recv(in, peer);
    group.commit();
    EXPECT_EQ(in, Values{static_cast<float>(peer)});
  });
}

TEST(Facade, StreamsRunInOrderAndEventsMarkTheirProgress) {
  on_ranks(2, [](Communicator& comm) {
    tutti::Stream stream, other;
    tutti::Event event;
    EXPECT_TRUE(event.reached());
    Values values(8, 1.0f);
    comm.all_reduce(values, values, tuttiSum, stream);
    stream.launch([&values] { values[0] += 1; });
    event.record(stream);
    other.wait(event);
    float seen = 0;
    other.launch([&] { seen = values[0]; });
    other.synchronize();
    event.synchronize();
    stream.synchronize();
    EXPECT_TRUE(event.reached());
    EXPECT_TRUE(stream.idle());
    EXPECT_EQ(seen, 3.0f);
  });
}

TEST(Facade, BuffersAreRegisteredAndFreed) {
  on_ranks(2, [](Communicator& comm) {
    tutti::Buffer<float> shared(1024);
    EXPECT_EQ(shared.size(), 1024u);
    EXPECT_EQ(shared[1023], 0.0f);
    {
      auto window = comm.register_window(std::as_writable_bytes(shared.span()));
      EXPECT_NE(window.get(), nullptr);
      EXPECT_EQ(code_of([&] { shared.free(); }), tuttiInvalidUsage);
      comm.all_reduce(shared, shared);
      window.release();
    }
    Values plain(1024);
    auto registration = comm.register_memory(std::as_writable_bytes(std::span(plain)));
    comm.all_reduce(plain, plain);
    registration.release();
    comm.barrier();
    shared.free();
    EXPECT_EQ(shared.data(), nullptr);
  });
}

TEST(Facade, CommunicatorsSplitAndShrink) {
  on_ranks(3, [](Communicator& comm) {
    const bool last = comm.rank() == 2;
    auto part = comm.split(last ? TUTTI_SPLIT_NOCOLOR : 0, -comm.rank());
    EXPECT_EQ(part.has_value(), !last);
    if (part) {
      EXPECT_EQ(part->size(), 2);
      EXPECT_EQ(part->rank(), 1 - comm.rank());
    }
    if (!last) {
      Communicator others =
          comm.shrink(std::array{2}, TUTTI_SHRINK_DEFAULT,
                      tutti::Config{.timeout = std::chrono::seconds(20), .name = "others"});
      EXPECT_EQ(others.size(), 2);
      others.destroy();
    }
  });
}

TEST(Facade, RanksMeetAtAnIdOrThroughTheCaller) {
  const tuttiUniqueId id = tutti::unique_id();
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<std::byte> board;
  int written = 0, read = 0;

  // An all-gather through memory; the second round waits until the first has been read.
  auto rank_main = [&](int rank) {
    Communicator joined = Communicator::join(id, rank, 2, {.name = "joined"});
    EXPECT_EQ(joined.rank(), rank);
    Communicator met = Communicator::meet(
        rank, 2, [&, rank](std::span<const std::byte> mine, std::span<std::byte> all) {
          std::unique_lock lock(mutex);
          arrived.wait(lock, [&] { return read % 2 == 0; });
          board.resize(all.size());
          std::memcpy(board.data() + static_cast<std::size_t>(rank) * mine.size(), mine.data(),
                      mine.size());
          const int round = written / 2;
          ++written;
          arrived.notify_all();
          arrived.wait(lock, [&] { return written >= 2 * (round + 1); });
          std::memcpy(all.data(), board.data(), all.size());
          ++read;
          arrived.notify_all();
          arrived.wait(lock, [&] { return read >= 2 * (round + 1); });
        });
    EXPECT_EQ(met.size(), 2);
  };
  std::jthread other(rank_main, 1);
  rank_main(0);
}

TEST(Facade, WhatTheCallersAllGatherThrowsIsThrown) {
  EXPECT_THROW(Communicator::meet(0, 2, [](auto, auto) { throw std::out_of_range("no network"); }),
               std::out_of_range);
}

TEST(Facade, ErrorsCarryCodeAndSentence) {
  EXPECT_EQ(code_of([] { (void)Communicator::world(); }), tuttiInvalidUsage);
  on_ranks(1, [](Communicator& comm) {
    Values values(4);
    EXPECT_EQ(code_of([&] { comm.broadcast(values, 7); }), tuttiInvalidArgument);
    EXPECT_STRNE(comm.last_error(), "");
    EXPECT_EQ(code_of([&] { comm.all_reduce(values, Values(3)); }), tuttiInvalidArgument);
    const std::array<std::size_t, 1> count{2}, beyond{3};
    EXPECT_EQ(code_of([&] {
                comm.all_gatherv(Values(2), values, {count, beyond});
              }),
              tuttiInvalidArgument);
    comm.abort();
  });
}

TEST(Facade, TokensGoToTheirExpertsAndBack) {
  on_ranks(2, [](Communicator& comm) {
    tuttiMoeConfig_t config = tutti::moe_config();
    config.num_experts = 4;
    config.max_tokens_per_rank = 2;
    config.max_topk = 2;
    config.max_row_bytes = 8 * sizeof(float);
    EXPECT_GT(tutti::query_memory(config, 2).control_bytes, 0u);

    tutti::MoeGroup group(comm, config);
    EXPECT_EQ(group.local_experts().size(), 2u);
    EXPECT_GE(group.recv_bound(tuttiMoeLayoutExpert), 8u);
    auto rows = group.buffer<float>(16);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i] = static_cast<float>(100 * comm.rank()) + static_cast<float>(i);
    }
    const std::array<std::int32_t, 4> topk{0, 3, 2, 1};
    const std::array<float, 4> weights{0.5f, 0.5f, 0.25f, 0.75f};
    {
      tutti::MoePlan plan(group);
      plan.update(topk, 2);
      const tutti::MoeCounts counts = plan.counts(tuttiMoeLayoutExpert);
      EXPECT_EQ(counts.num_rows, 4u);
      EXPECT_EQ(counts.expert_offsets.back(), 4);
      EXPECT_EQ(counts.source_counts, (std::vector<std::int64_t>{2, 2}));

      const tuttiMoeOutput_t output = plan.dispatch(rows, 8, weights, tuttiMoeLayoutExpert);
      EXPECT_EQ(output.num_rows, 4u);
      Values out(rows.size(), -1.0f);
      plan.combine(std::span(static_cast<const float*>(output.rows), output.num_rows * 8), 8, out,
                   tuttiMoeSourceOnly);
      EXPECT_EQ(out, Values(rows.begin(), rows.end()));  // the weights of a token add up to 1

      EXPECT_EQ(code_of([&] { group.destroy(); }), tuttiInvalidUsage);
      EXPECT_STRNE(group.last_error(), "");
    }
    comm.barrier();
    group.destroy();
  });
}

}  // namespace
