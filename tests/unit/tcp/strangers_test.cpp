// Whatever comes to a port of a job, the job goes on.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "tests/support/thread_world.hpp"
#include "transports/tcp/handshake.hpp"
#include "transports/tcp/node.hpp"

namespace tutti::tcp {
namespace {

Descriptor connect_to_node() {
  const SocketAddress& address = Node::of_this_process().listen(nullptr);
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(address.port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
  return socket;
}

void say(const Descriptor& socket, std::span<const std::byte> bytes) {
  static_cast<void>(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

// What the node answers until it closes, or for the time of a visit and a little.
std::vector<std::byte> hear(const Descriptor& socket) {
  std::vector<std::byte> heard;
  std::array<std::byte, 4096> buffer;
  pollfd entry{socket.get(), POLLIN, 0};
  while (::poll(&entry, 1, 10'000) > 0) {
    const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return heard;
    heard.insert(heard.end(), buffer.begin(), buffer.begin() + got);
  }
  ADD_FAILURE() << "the node keeps a stranger";
  return heard;
}

void expect_sum(int rank, tuttiComm_t comm, int ranks) {
  int value = rank + 1;
  test::expect_ok(tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiSum, comm, nullptr), comm);
  EXPECT_EQ(value, ranks * (ranks + 1) / 2);
}

class Strangers : public testing::Test {
 protected:
  const test::ScopedVariable transport_{"TUTTI_TRANSPORT", "tcp"};
};

TEST_F(Strangers, ThatTalkRubbishAreClosedWithoutAWord) {
  const test::ThreadWorld world(2);
  std::vector<std::string> rubbish = {
      std::string(4096, '\xff'),
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + std::string(200, ' '),
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(500, 'r'),
      std::string("TUTTLINK") + std::string(400, '\0')};
  for (const std::string& words : rubbish) {
    const Descriptor stranger = connect_to_node();
    say(stranger, std::as_bytes(std::span(words)));
    EXPECT_TRUE(hear(stranger).empty());
    world.run([](int rank, tuttiComm_t comm) { expect_sum(rank, comm, 2); });
  }
}

TEST_F(Strangers, ThatAreSilentAreClosedAfterAWhile) {
  const test::ThreadWorld world(2);
  std::vector<Descriptor> silent;
  for (int i = 0; i < 900; ++i) silent.push_back(connect_to_node());
  for (int i = 0; i < 100; ++i) {
    world.run([](int rank, tuttiComm_t comm) { expect_sum(rank, comm, 2); });
  }
  EXPECT_TRUE(hear(silent.front()).empty());
  // A new communicator connects, though strangers have all places.
  const test::ThreadWorld another(3);
  another.run([](int rank, tuttiComm_t comm) { expect_sum(rank, comm, 3); });
  EXPECT_TRUE(hear(silent.back()).empty());
}

TEST_F(Strangers, OfAnotherCommunicatorAreToldSo) {
  const test::ThreadWorld world(2);
  Introduction said;
  said.ranks = 2;
  ClientHandshake client(random_key(), said);
  const Descriptor stranger = connect_to_node();
  say(stranger, client.hello());
  const std::vector<std::byte> heard = hear(stranger);
  ASSERT_EQ(heard.size(), kChallengeBytes);
  ChallengeBytes challenge;
  std::copy(heard.begin(), heard.end(), challenge.begin());
  EXPECT_EQ(client.take(challenge), Refusal::kStranger);
}

// Knows the names of a communicator, which are no secret, and not its key.
class Intruder : public Strangers {
 protected:
  // An endpoint as a transport has it, whose peers are all in this process.
  Intruder() : endpoint_(std::make_shared<Endpoint>(Node::of_this_process(), 0, 2)) {
    Node& node = Node::of_this_process();
    node.add(endpoint_);
    endpoint_->port().make_control({.bytes = 4096, .line_bytes = 4096});
    endpoint_->meet(
        {{.node = node.id(), .port = endpoint_->number()}, {.node = node.id(), .port = 77}},
        {node.listen(nullptr), node.listen(nullptr)}, random_key());
    endpoint_->ready();
  }
  ~Intruder() override { Node::of_this_process().remove(*endpoint_); }

  Introduction said() const {
    return {.communicator = endpoint_->communicator(),
            .from = 1,
            .to = 0,
            .ranks = 2,
            .node = Node::of_this_process().id()};
  }
  // What the node answers to a hello.
  Refusal answer_to(ClientHandshake& client, const Descriptor& socket) {
    say(socket, client.hello());
    ChallengeBytes challenge;
    if (::recv(socket.get(), challenge.data(), challenge.size(), MSG_WAITALL) !=
        static_cast<ssize_t>(challenge.size())) {
      return Refusal::kSilence;
    }
    return client.take(challenge);
  }

  std::shared_ptr<Endpoint> endpoint_;
};

TEST_F(Intruder, WithoutTheKeyIsRefused) {
  ClientHandshake client(random_key(), said());
  const Descriptor socket = connect_to_node();
  EXPECT_EQ(answer_to(client, socket), Refusal::kProof) << "nor would it believe the node";
  say(socket, random_key());
  const std::vector<std::byte> heard = hear(socket);
  ASSERT_EQ(heard.size(), kVerdictBytes);
  VerdictBytes verdict;
  std::copy(heard.begin(), heard.end(), verdict.begin());
  EXPECT_EQ(parse_verdict(verdict), Refusal::kProof);
}

TEST_F(Intruder, ThatClaimsAnotherRankIsRefused) {
  for (const auto& change : std::vector<void (*)(Introduction&)>{
           [](Introduction& said) { said.ranks = 3; }, [](Introduction& said) { said.from = 2; },
           [](Introduction& said) { said.to = 1; },
           [](Introduction& said) { said.node.fill(std::byte{3}); }}) {
    Introduction wrong = said();
    change(wrong);
    ClientHandshake client(endpoint_->key(), wrong);
    EXPECT_EQ(answer_to(client, connect_to_node()), Refusal::kRank);
  }
}

// No intruder, but one that has lost the last word of a handshake, and is dead to who has said it.
TEST_F(Intruder, ThatIsTakenForDeadIsToldSo) {
  endpoint_->standing().mark(1, PeerState::kDead);
  ClientHandshake client(endpoint_->key(), said());
  const Descriptor socket = connect_to_node();
  ASSERT_EQ(answer_to(client, socket), Refusal::kNone);
  say(socket, client.proof());
  const std::vector<std::byte> heard = hear(socket);
  ASSERT_EQ(heard.size(), kVerdictBytes);
  VerdictBytes verdict;
  std::copy(heard.begin(), heard.end(), verdict.begin());
  EXPECT_EQ(parse_verdict(verdict), Refusal::kGone);
}

TEST_F(Intruder, ThatRepeatsAHandshakeIsRefused) {
  ClientHandshake client(endpoint_->key(), said());
  const Descriptor first = connect_to_node();
  ASSERT_EQ(answer_to(client, first), Refusal::kNone);
  const Key overheard = client.proof();
  // Again, word for word.
  const Descriptor second = connect_to_node();
  say(second, client.hello());
  ChallengeBytes challenge;
  ASSERT_EQ(::recv(second.get(), challenge.data(), challenge.size(), MSG_WAITALL),
            static_cast<ssize_t>(challenge.size()));
  say(second, overheard);
  const std::vector<std::byte> heard = hear(second);
  ASSERT_EQ(heard.size(), kVerdictBytes);
  VerdictBytes verdict;
  std::copy(heard.begin(), heard.end(), verdict.begin());
  EXPECT_EQ(parse_verdict(verdict), Refusal::kProof);
}

}  // namespace
}  // namespace tutti::tcp
