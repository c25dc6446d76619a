// The C++ facade: collectives on any range, and the errors they throw.
#include "facade.hpp"

namespace tutti_test {
namespace {

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
  });
}

TEST(Facade, DataMovesBetweenRanks) {
  on_ranks(2, [](Communicator& comm) {
    const int rank = comm.rank();
    const auto r = static_cast<float>(rank);
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

    comm.barrier();
    EXPECT_EQ(comm.async_error(), tuttiSuccess);
  });
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

}  // namespace
}  // namespace tutti_test
