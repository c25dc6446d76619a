// Who knows the key and says who it is gets in; nobody else does, and neither does who repeats what
// it has overheard.
#include "transports/tcp/handshake.hpp"

#include <gtest/gtest.h>

namespace tutti::tcp {
namespace {

Introduction introduction() {
  Introduction said;
  said.communicator.fill(std::byte{1});
  said.from = 2;
  said.to = 3;
  said.ranks = 4;
  said.node.fill(std::byte{5});
  return said;
}

NodeId listener() {
  NodeId id;
  id.fill(std::byte{9});
  return id;
}

TEST(Handshake, LetsInWhoKnowsTheKey) {
  const Key key = random_key();
  ClientHandshake client(key, introduction());
  Refusal refusal = Refusal::kGarbage;
  const std::optional<Introduction> said = parse_hello(client.hello(), refusal);
  ASSERT_TRUE(said);
  EXPECT_EQ(refusal, Refusal::kNone);
  EXPECT_EQ(said->communicator, introduction().communicator);
  EXPECT_EQ(said->from, 2u);
  EXPECT_EQ(said->to, 3u);
  EXPECT_EQ(said->ranks, 4u);
  EXPECT_EQ(said->node, introduction().node);
  const ServerHandshake server(key, client.hello(), listener());
  EXPECT_EQ(client.take(server.challenge()), Refusal::kNone);
  EXPECT_EQ(client.node(), listener());
  EXPECT_TRUE(server.proves(client.proof()));
}

TEST(Handshake, FailsOnEitherSideWithAnotherKey) {
  ClientHandshake client(random_key(), introduction());
  const ServerHandshake server(random_key(), client.hello(), listener());
  EXPECT_EQ(client.take(server.challenge()), Refusal::kProof) << "a listener that does not know it";
  EXPECT_FALSE(server.proves(client.proof()));
}

TEST(Handshake, FailsWhenAnythingThatWasSaidIsChangedOnTheWay) {
  const Key key = random_key();
  for (std::size_t at = 0; at < kHelloBytes; ++at) {
    ClientHandshake client(key, introduction());
    HelloBytes hello = client.hello();
    hello[at] ^= std::byte{1};
    const ServerHandshake server(key, hello, listener());
    EXPECT_NE(client.take(server.challenge()), Refusal::kNone) << "byte " << at << " of a hello";
    EXPECT_FALSE(server.proves(client.proof()));
  }
  for (std::size_t at = 0; at < kChallengeBytes; ++at) {
    ClientHandshake client(key, introduction());
    const ServerHandshake server(key, client.hello(), listener());
    ChallengeBytes challenge = server.challenge();
    challenge[at] ^= std::byte{1};
    EXPECT_NE(client.take(challenge), Refusal::kNone) << "byte " << at << " of a challenge";
  }
}

TEST(Handshake, IsDifferentEachTime) {
  const Key key = random_key();
  ClientHandshake client(key, introduction());
  const ServerHandshake first(key, client.hello(), listener());
  ASSERT_EQ(client.take(first.challenge()), Refusal::kNone);
  // The same hello and proof once more.
  const ServerHandshake second(key, client.hello(), listener());
  EXPECT_FALSE(second.proves(client.proof()));
}

TEST(Handshake, SaysWhyItRefuses) {
  for (unsigned i = 1; i < kRefusals; ++i) {
    const auto refusal = static_cast<Refusal>(i);
    ClientHandshake client(random_key(), introduction());
    EXPECT_EQ(client.take(refuse(refusal)), refusal);
    EXPECT_EQ(parse_verdict(verdict(refusal)), refusal);
    EXPECT_FALSE(describe(refusal).empty());
  }
  VerdictBytes strange{};
  strange[3] = std::byte{200};
  EXPECT_EQ(parse_verdict(strange), Refusal::kGarbage);
  HelloBytes http{};
  const std::string_view request = "GET / HTTP/1.1\r\nHost: localhost\r\n";
  std::copy(request.begin(), request.end(), reinterpret_cast<char*>(http.data()));
  Refusal refusal = Refusal::kNone;
  EXPECT_FALSE(parse_hello(http, refusal));
  EXPECT_EQ(refusal, Refusal::kGarbage);
}

}  // namespace
}  // namespace tutti::tcp
