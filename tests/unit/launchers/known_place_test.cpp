// Meeting at a known place, and what can be wrong with it. Nothing is left open afterwards.
#include "bootstrap/launchers/known_place.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <iterator>
#include <thread>

#include "base/descriptor.hpp"
#include "bootstrap/listener.hpp"
#include "bootstrap/meeting_client.hpp"
#include "bootstrap/meeting_registry.hpp"
#include "tests/unit/bootstrap/thread_ranks.hpp"

namespace tutti {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::kPatience;
using test::says;

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

// A port that was free a moment ago.
std::uint16_t free_port() { return listen_on_loopback("for a test").address.port; }

TEST(KnownPlace, APortThatIsTakenIsNamedAndNothingIsLeaked) {
  const Listener other = listen_on_loopback("for a test");
  const auto before = open_descriptors();
  const Error error = error_of([&] {
    meet_at({.host = "127.0.0.1", .port = other.address.port, .secret_text = "s"}, 0, 2, 1s);
  });
  EXPECT_EQ(error.code(), tuttiSystemError);
  EXPECT_TRUE(says(error, to_string(other.address))) << error.what();
  EXPECT_TRUE(says(error, "Address already in use")) << error.what();
  EXPECT_EQ(open_descriptors(), before);
}

TEST(KnownPlace, AnAddressOfAnotherHostIsNamed) {
  const Error error =
      error_of([] { meet_at({.host = "192.0.2.77", .port = 6000, .secret_text = "s"}, 0, 2, 1s); });
  EXPECT_TRUE(says(error, "192.0.2.77:6000")) << error.what();
  EXPECT_TRUE(says(error, "Cannot assign requested address")) << error.what();
}

TEST(KnownPlace, ANameThatNobodyKnowsIsATimeout) {
  const Error error = error_of([] {
    meet_at({.host = "no-such-host.invalid", .port = 6000, .secret_text = "s"}, 1, 2, 200ms);
  });
  EXPECT_EQ(error.code(), tuttiTimeout);
  EXPECT_TRUE(says(error, "'no-such-host.invalid'")) << error.what();
}

TEST(KnownPlace, TooFewDescriptorsAreSaidAndNothingIsLeaked) {
  const std::uint16_t port = free_port();
  const auto before = open_descriptors();
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{3, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Error error =
      error_of([&] { meet_at({.host = "127.0.0.1", .port = port, .secret_text = "s"}, 0, 2, 1s); });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(error.code(), tuttiSystemError) << error.what();
  EXPECT_TRUE(says(error, "Too many open files")) << error.what();
  EXPECT_EQ(open_descriptors(), before);
}

std::unique_ptr<Bootstrap> join(const World& world, Nanoseconds timeout) {
  return join_meeting(world.id, world.ranks, world.rank, timeout, Beginning::kAwaited);
}

TEST(KnownPlace, RanksThatComeFirstWaitForRank0) {
  const World place{.rank = 1,
                    .ranks = 2,
                    .id = pack(id_of({.port = free_port(), .bytes = {127, 0, 0, 1}}, {7})),
                    .awaited = true};
  MeetingRegistry registry;
  std::jthread early([&] {
    const auto bootstrap = join(place, kPatience);
    EXPECT_EQ(all_gather_value(*bootstrap, 11), (std::vector<int>{10, 11}));
  });
  std::this_thread::sleep_for(600ms);  // longer than refusals count for a meeting that is over
  registry.host({.address = address_in(unpack(place.id)), .secret = {7}});
  World first = place;
  first.rank = 0;
  const auto bootstrap = join(first, kPatience);
  EXPECT_EQ(all_gather_value(*bootstrap, 10), (std::vector<int>{10, 11}));
}

TEST(KnownPlace, ARank0ThatDoesNotComeIsNamed) {
  const World world{.rank = 1,
                    .ranks = 2,
                    .id = pack(id_of({.port = free_port(), .bytes = {127, 0, 0, 1}}, {7})),
                    .awaited = true};
  const Error error = error_of([&] { join(world, 400ms); });
  EXPECT_EQ(error.code(), tuttiTimeout);
  EXPECT_TRUE(says(error, "rank 0 did not listen at 127.0.0.1:")) << error.what();
  EXPECT_TRUE(says(error, "Connection refused")) << error.what();
  EXPECT_EQ(error.culprits(), std::vector<int>{0});
}

TEST(KnownPlace, AnotherSecretIsToldApartFromAnotherProgram) {
  MeetingRegistry registry;
  const tuttiUniqueId id = registry.host({.address = loopback_address(4), .secret = {7}});
  const World world{
      .rank = 1, .ranks = 2, .id = pack(id_of(address_in(unpack(id)), {8})), .awaited = true};
  const Error error = error_of([&] { join(world, 400ms); });
  EXPECT_EQ(error.code(), tuttiTimeout);
  EXPECT_TRUE(says(error, "ranks with another secret")) << error.what();
}

}  // namespace
}  // namespace tutti
