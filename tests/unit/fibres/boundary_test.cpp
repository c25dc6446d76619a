// The C API called by fibres: what polls moves on, what cannot work is refused, and a call of a
// fibre that is being ended returns a code.
#include <gmock/gmock.h>
#include <tutti/tutti.h>

#include <optional>

#include "bootstrap/local_group.hpp"
#include "communicator/communicator.hpp"
#include "fibre_world.hpp"

namespace tutti {
namespace {

using test::FibreWorld;
using testing::HasSubstr;
using namespace std::chrono_literals;

class BoundaryOnFibres : public testing::Test {
 protected:
  static void work_for_long(void* test) { static_cast<BoundaryOnFibres*>(test)->world->work(20ms); }
  static void wait_for_ever(void* test) {
    static_cast<BoundaryOnFibres*>(test)->world->host.park(Nanoseconds::max(), "nothing");
  }

  std::optional<FibreWorld> world{std::in_place};
  int steps = 0;
};

TEST_F(BoundaryOnFibres, WhoAsksAgainAndAgainComesToAnEnd) {
  world->rank(0, [this] {
    tuttiStream_t stream = nullptr;
    tuttiEvent_t event = nullptr;
    ASSERT_EQ(tuttiStreamCreate(&stream), tuttiSuccess);
    ASSERT_EQ(tuttiEventCreate(&event), tuttiSuccess);
    ASSERT_EQ(tuttiLaunchHostFunc(stream, &work_for_long, this), tuttiSuccess);
    ASSERT_EQ(tuttiEventRecord(event, stream), tuttiSuccess);
    ASSERT_EQ(tuttiLaunchHostFunc(stream, &work_for_long, this), tuttiSuccess);
    while (tuttiEventQuery(event) == tuttiInProgress) world->work(1ms);
    EXPECT_LT(world->now(), 22ms);
    while (tuttiStreamQuery(stream) == tuttiInProgress) ++steps;
    EXPECT_LT(world->now(), 41ms);
    EXPECT_EQ(tuttiEventDestroy(event), tuttiSuccess);
    EXPECT_EQ(tuttiStreamDestroy(stream), tuttiSuccess);
  });
  EXPECT_TRUE(world->run());
  EXPECT_GT(steps, 0);
}

TEST_F(BoundaryOnFibres, InitAllIsRefused) {
  world->rank(0, [] {
    std::array<tuttiComm_t, 2> comms{};
    EXPECT_EQ(tuttiCommInitAll(comms.data(), 2), tuttiInvalidUsage);
    EXPECT_THAT(tuttiGetLastError(nullptr), HasSubstr("every rank of a simulation makes its own"));
  });
  EXPECT_TRUE(world->run());
}

TEST_F(BoundaryOnFibres, ATransportThatBlocksTheThreadIsRefusedOnEveryRank) {
  LocalGroup group(3, 20s);
  for (Rank rank = 0; rank < 3; ++rank) {
    world->rank(rank, [this, &group, rank] {
      const auto bootstrap = group.bootstrap(rank);
      Settings settings = Settings::read(nullptr, "world");
      settings.transport = "shm";
      try {
        const Communicator communicator(*bootstrap, settings);
        ADD_FAILURE() << "it would wait for ever";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), tuttiInvalidUsage);
        EXPECT_THAT(error.what(), HasSubstr("shm makes threads wait"));
        ++steps;
      }
    });
  }
  EXPECT_TRUE(world->run());
  EXPECT_EQ(steps, 3);
}

TEST_F(BoundaryOnFibres, GroupsAreEachFibresOwn) {
  world->rank(0, [this] {
    EXPECT_EQ(tuttiGroupStart(), tuttiSuccess);
    world->work(10ns);
    EXPECT_EQ(tuttiGroupEnd(), tuttiSuccess);
  });
  world->rank(1, [this] {
    world->work(5ns);
    EXPECT_EQ(tuttiGroupEnd(), tuttiInvalidUsage) << "rank 0's is open, this one's is not";
  });
  EXPECT_TRUE(world->run());
}

TEST_F(BoundaryOnFibres, ACallOfAFibreThatIsBeingEndedIsAborted) {
  world->rank(0, [this] {
    tuttiStream_t stream = nullptr;
    ASSERT_EQ(tuttiStreamCreate(&stream), tuttiSuccess);
    ASSERT_EQ(tuttiLaunchHostFunc(stream, &wait_for_ever, this), tuttiSuccess);
    EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiAborted);
    EXPECT_THAT(tuttiGetLastError(nullptr), HasSubstr("the simulation that runs this rank ends"));
    EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiAborted) << "and every one after it";
    EXPECT_EQ(tuttiStreamQuery(stream), tuttiAborted) << "so that who asks again comes to an end";
    EXPECT_EQ(tuttiStreamDestroy(stream), tuttiSuccess);
    ++steps;
  });
  EXPECT_FALSE(world->run());
  world.reset();
  EXPECT_EQ(steps, 1);
}

}  // namespace
}  // namespace tutti
