// Ranks and strangers that do not behave.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <latch>
#include <thread>

#include "bootstrap/listener.hpp"
#include "bootstrap/meeting.hpp"
#include "bootstrap/meeting_client.hpp"
#include "bootstrap/meeting_handshake.hpp"
#include "bootstrap/meeting_wire.hpp"
#include "bootstrap/socket.hpp"
#include "thread_ranks.hpp"

namespace tutti {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test::error_of;
using test::kPatience;
using test::run_ranks;
using test::says;

Socket connect(const Meeting& meeting) {
  return std::move(
      connect_to(address_in(unpack(meeting.id())), steady_clock::now() + kPatience).socket.value());
}

// A connection that says hello as a rank does, and then whatever the test wants.
Socket say_hello(const Meeting& meeting, Rank rank, int ranks) {
  Socket socket = connect(meeting);
  const Key key = wire::key_of(unpack(meeting.id()).secret);
  const wire::Hello hello = wire::make_hello(rank, ranks);
  wire::Challenge challenge;
  wire::Header header;
  const auto deadline = steady_clock::now() + kPatience;
  EXPECT_EQ(socket.send(std::as_bytes(std::span(&hello, 1)), deadline), Socket::Outcome::kDone);
  EXPECT_EQ(socket.receive(std::as_writable_bytes(std::span(&challenge, 1)), deadline),
            Socket::Outcome::kDone);
  EXPECT_TRUE(wire::is_genuine(key, hello, challenge));
  const wire::Proof proof = wire::proof_of(key, hello, challenge);
  EXPECT_EQ(socket.send(proof, deadline), Socket::Outcome::kDone);
  EXPECT_EQ(socket.receive(std::as_writable_bytes(std::span(&header, 1)), deadline),
            Socket::Outcome::kDone);
  EXPECT_EQ(header.kind, wire::Kind::kWelcome);
  return socket;
}

void expect_working_pair(const Meeting& meeting) {
  const auto errors = run_ranks(2, [&](Rank rank) {
    const auto bootstrap = join_meeting(meeting.id(), 2, rank, kPatience);
    EXPECT_EQ(all_gather_value(*bootstrap, rank), (std::vector<int>{0, 1}));
  });
  for (const auto& error : errors) EXPECT_FALSE(error) << error->what();
}

TEST(MeetingFaults, WrongSecretIsTurnedAway) {
  Meeting meeting;
  UniqueId id = unpack(meeting.id());
  id.secret[15] ^= 1;
  const Error error = error_of([&] { join_meeting(pack(id), 2, 0, kPatience); });
  EXPECT_EQ(error.code(), tuttiInvalidUsage) << error.what();
  EXPECT_TRUE(says(error, "does not know the secret of this unique id")) << error.what();
  expect_working_pair(meeting);
}

// A meeting of another version, or an impostor: the rank is what must not fall for it.
TEST(MeetingFaults, ARankKnowsWhatIsNoMeeting) {
  const auto rank_meets = [](const wire::Challenge& answer) {
    Listener impostor = listen_on_loopback("for a test");
    UniqueId id = id_of(impostor.address, make_secret());
    std::jthread answering([&] {
      pollfd entry{impostor.socket.get(), POLLIN, 0};
      ::poll(&entry, 1, 10'000);
      Socket visitor(Descriptor(
          ::accept4(impostor.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)));
      wire::Hello hello;
      const auto deadline = steady_clock::now() + kPatience;
      visitor.receive(std::as_writable_bytes(std::span(&hello, 1)), deadline);
      visitor.send(std::as_bytes(std::span(&answer, 1)), deadline);
      wire::Proof proof;
      visitor.receive(proof, deadline);
      // Who has not shown that it knows the secret gets nothing that could be used elsewhere.
      if (answer.magic == wire::kChallengeMagic && answer.version == wire::kProtocolVersion) {
        EXPECT_EQ(proof, wire::Proof{});
      }
    });
    const Error error = error_of([&] { join_meeting(pack(id), 2, 0, kPatience); });
    EXPECT_EQ(error.code(), tuttiInvalidUsage) << error.what();
    return std::string(error.what());
  };
  EXPECT_NE(rank_meets({}).find("does not know the secret"), std::string::npos);
  EXPECT_NE(rank_meets({.version = 7}).find("speaks version 7"), std::string::npos);
  EXPECT_NE(rank_meets({.magic = 1}).find("no meeting"), std::string::npos);
}

TEST(MeetingFaults, AProofIsOfOneHandshake) {
  Meeting meeting;
  const Key key = wire::key_of(unpack(meeting.id()).secret);
  const wire::Hello hello = wire::make_hello(0, 2);
  const auto deadline = steady_clock::now() + kPatience;
  wire::Challenge first, second;
  Socket watched = connect(meeting);
  watched.send(std::as_bytes(std::span(&hello, 1)), deadline);
  watched.receive(std::as_writable_bytes(std::span(&first, 1)), deadline);
  // Played again to the same meeting.
  Socket replay = connect(meeting);
  replay.send(std::as_bytes(std::span(&hello, 1)), deadline);
  replay.receive(std::as_writable_bytes(std::span(&second, 1)), deadline);
  replay.send(wire::proof_of(key, hello, first), deadline);
  std::byte answer;
  EXPECT_EQ(replay.receive({&answer, 1}, deadline), Socket::Outcome::kClosed);
  expect_working_pair(meeting);
}

TEST(MeetingFaults, RubbishOnThePortHarmsNobody) {
  Meeting meeting;
  const auto deadline = steady_clock::now() + kPatience;
  Socket large = connect(meeting);
  const std::vector<std::byte> rubbish(100'000, std::byte{0xee});
  large.send(rubbish, deadline);
  std::byte answer;
  EXPECT_EQ(large.receive({&answer, 1}, deadline), Socket::Outcome::kClosed);
  Socket small = connect(meeting);
  small.send(std::span(rubbish).first(5), deadline);
  Socket silent = connect(meeting);
  expect_working_pair(meeting);
  // Who does not finish a hello is put out.
  EXPECT_EQ(small.receive({&answer, 1}, deadline), Socket::Outcome::kClosed);
  EXPECT_EQ(silent.receive({&answer, 1}, deadline), Socket::Outcome::kClosed);
}

TEST(MeetingFaults, ManySilentStrangersOnlyDelayTheRanks) {
  Meeting meeting;
  std::vector<Socket> strangers;
  strangers.reserve(300);
  for (int i = 0; i < 300; ++i) strangers.push_back(connect(meeting));
  expect_working_pair(meeting);
}

TEST(MeetingFaults, ARankUsedTwiceIsRefused) {
  Meeting meeting;
  const auto zero = join_meeting(meeting.id(), 2, 0, kPatience);
  const Error error = error_of([&] { join_meeting(meeting.id(), 2, 0, kPatience); });
  EXPECT_EQ(error.code(), tuttiInvalidUsage) << error.what();
  EXPECT_TRUE(says(error, "rank 0 has already joined")) << error.what();
  // The first rank 0 is not disturbed.
  std::jthread one([&] {
    const auto bootstrap = join_meeting(meeting.id(), 2, 1, kPatience);
    EXPECT_EQ(all_gather_value(*bootstrap, 1), (std::vector<int>{0, 1}));
  });
  EXPECT_EQ(all_gather_value(*zero, 0), (std::vector<int>{0, 1}));
}

TEST(MeetingFaults, RanksThatDisagreeAboutTheNumberAreRefused) {
  Meeting meeting;
  const auto zero = join_meeting(meeting.id(), 2, 0, kPatience);
  const Error error = error_of([&] { join_meeting(meeting.id(), 3, 1, kPatience); });
  EXPECT_EQ(error.code(), tuttiInvalidUsage) << error.what();
  EXPECT_TRUE(says(error, "rank 1 says that there are 3 ranks, others said 2")) << error.what();
}

TEST(MeetingFaults, RanksOutsideTheCommunicatorAreRefused) {
  Meeting meeting;
  for (const int rank : {-1, 2, 1000}) {
    const Error error = error_of([&] { join_meeting(meeting.id(), 2, rank, kPatience); });
    EXPECT_EQ(error.code(), tuttiInvalidUsage) << error.what();
  }
  EXPECT_EQ(error_of([&] { join_meeting(meeting.id(), 0, 0, kPatience); }).code(),
            tuttiInvalidUsage);
  expect_working_pair(meeting);
}

TEST(MeetingFaults, AnIdUsedAgainIsRefusedWhileAndAfterItsMeeting) {
  Meeting meeting;
  std::latch gathered(2), refused(1);
  std::jthread one([&] {
    const auto bootstrap = join_meeting(meeting.id(), 2, 1, kPatience);
    all_gather_value(*bootstrap, 1);
    gathered.count_down();
    refused.wait();
  });
  {
    const auto zero = join_meeting(meeting.id(), 2, 0, kPatience);
    all_gather_value(*zero, 0);
    gathered.arrive_and_wait();
    const Error during = error_of([&] { join_meeting(meeting.id(), 2, 0, kPatience); });
    EXPECT_EQ(during.code(), tuttiInvalidUsage) << during.what();
    EXPECT_TRUE(says(during, "used up")) << during.what();
    refused.count_down();
  }
  one.join();
  const auto deadline = steady_clock::now() + kPatience;
  while (!meeting.finished() && steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
  const Error later = error_of([&] { join_meeting(meeting.id(), 2, 0, kPatience); });
  EXPECT_EQ(later.code(), tuttiInvalidUsage) << later.what();
  EXPECT_TRUE(says(later, "nobody listens")) << later.what();
}

TEST(MeetingFaults, ARankThatNeverComesIsNamed) {
  Meeting meeting;
  const auto errors = run_ranks(3, [&](Rank rank) {
    if (rank == 1) return;
    const auto bootstrap = join_meeting(meeting.id(), 3, rank, 500ms);
    all_gather_value(*bootstrap, rank);
  });
  for (const int rank : {0, 2}) {
    const auto& error = errors[static_cast<std::size_t>(rank)];
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), tuttiTimeout) << error->what();
    EXPECT_EQ(error->culprits(), std::vector<int>{1}) << error->what();
    EXPECT_TRUE(says(*error, "rank 1 did not join")) << error->what();
  }
}

TEST(MeetingFaults, ARankThatJoinsAndStaysSilentIsNamed) {
  Meeting meeting;
  const auto silent = join_meeting(meeting.id(), 2, 0, kPatience);
  const auto one = join_meeting(meeting.id(), 2, 1, 300ms);
  const Error error = error_of([&] { all_gather_value(*one, 1); });
  EXPECT_EQ(error.code(), tuttiTimeout) << error.what();
  EXPECT_EQ(error.culprits(), std::vector<int>{0});
  EXPECT_TRUE(says(error, "rank 0 joined but did not follow")) << error.what();
  // The failure is final, for both.
  EXPECT_EQ(error_of([&] { all_gather_value(*one, 1); }).code(), tuttiTimeout);
  EXPECT_EQ(error_of([&] { all_gather_value(*silent, 0); }).code(), tuttiTimeout);
}

TEST(MeetingFaults, AConnectionThatDropsIsNamedToTheOthers) {
  Meeting meeting;
  std::jthread dropper([&] {
    Socket socket = say_hello(meeting, 2, 3);
    // A header that promises a blob, and half of it.
    const wire::Header header{.kind = wire::Kind::kGather, .timeout_ms = 60'000, .bytes = 8};
    socket.send(std::as_bytes(std::span(&header, 1)), steady_clock::now() + kPatience);
    std::this_thread::sleep_for(100ms);
  });
  const auto errors = run_ranks(2, [&](Rank rank) {
    const auto bootstrap = join_meeting(meeting.id(), 3, rank, kPatience);
    all_gather_value(*bootstrap, std::int64_t{rank});
  });
  for (const auto& error : errors) {
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), tuttiRemoteError) << error->what();
    EXPECT_EQ(error->culprits(), std::vector<int>{2}) << error->what();
    EXPECT_TRUE(says(*error, "rank 2 died")) << error->what();
  }
}

TEST(MeetingFaults, ARankThatLeavesTooEarlyIsNamed) {
  Meeting meeting;
  auto zero = join_meeting(meeting.id(), 2, 0, kPatience);
  const auto one = join_meeting(meeting.id(), 2, 1, kPatience);
  zero.reset();
  const Error error = error_of([&] { all_gather_value(*one, 1); });
  EXPECT_EQ(error.code(), tuttiRemoteError) << error.what();
  EXPECT_EQ(error.culprits(), std::vector<int>{0}) << error.what();
}

TEST(MeetingFaults, ADeathThatTheLauncherSawIsToldAlsoToLateComers) {
  Meeting meeting;
  const auto zero = join_meeting(meeting.id(), 3, 0, kPatience);
  std::jthread reporter([&] {
    std::this_thread::sleep_for(50ms);
    meeting.report_death(2, "rank 2 was killed by signal 9");
  });
  const Error error = error_of([&] { all_gather_value(*zero, 0); });
  EXPECT_EQ(error.code(), tuttiRemoteError) << error.what();
  EXPECT_EQ(error.culprits(), std::vector<int>{2});
  const Error late = error_of([&] { join_meeting(meeting.id(), 3, 1, kPatience); });
  EXPECT_EQ(late.code(), tuttiRemoteError) << late.what();
  EXPECT_TRUE(says(late, "killed by signal 9")) << late.what();
}

TEST(MeetingFaults, DifferentSizesAreAMismatch) {
  Meeting meeting;
  const auto errors = run_ranks(2, [&](Rank rank) {
    const auto bootstrap = join_meeting(meeting.id(), 2, rank, kPatience);
    rank == 0 ? (void)all_gather_value(*bootstrap, std::int64_t{1})
              : (void)all_gather_value(*bootstrap, std::int32_t{1});
  });
  for (const auto& error : errors) {
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), tuttiMismatch) << error->what();
  }
}

TEST(MeetingFaults, FramesThatPromiseTooMuchEndTheMeeting) {
  for (const auto bytes : {std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    Meeting meeting;
    Socket evil = say_hello(meeting, 1, 2);
    const auto zero = join_meeting(meeting.id(), 2, 0, kPatience);
    const wire::Header header{.kind = wire::Kind::kGather, .timeout_ms = 60'000, .bytes = bytes};
    evil.send(std::as_bytes(std::span(&header, 1)), steady_clock::now() + kPatience);
    const Error error = error_of([&] { all_gather_value(*zero, 0); });
    EXPECT_EQ(error.code(), tuttiRemoteError) << error.what();
    EXPECT_EQ(error.culprits(), std::vector<int>{1});
  }
}

TEST(MeetingFaults, AMeetingThatStopsReleasesItsRanks) {
  auto meeting = std::make_unique<Meeting>();
  const auto zero = join_meeting(meeting->id(), 2, 0, kPatience);
  std::jthread stopper([&] {
    std::this_thread::sleep_for(50ms);
    meeting.reset();
  });
  const Error error = error_of([&] { all_gather_value(*zero, 0); });
  EXPECT_EQ(error.code(), tuttiRemoteError) << error.what();
}

TEST(MeetingFaults, ImpossibleBuffersAreAnInvalidArgument) {
  Meeting meeting;
  const auto bootstrap = join_meeting(meeting.id(), 1, 0, kPatience);
  std::vector<std::byte> mine(8), all(9);
  EXPECT_EQ(error_of([&] { bootstrap->all_gather(mine, all); }).code(), tuttiInvalidArgument);
}

}  // namespace
}  // namespace tutti
