#include "transports/tcp/handshake.hpp"

#include <algorithm>
#include <cstring>

namespace tutti::tcp {

namespace {

constexpr std::uint32_t kVersion = 1;
// "TUTTLINK" and "TUTTCHAL", as bytes.
constexpr std::array<char, 8> kHelloMagic = {'T', 'U', 'T', 'T', 'L', 'I', 'N', 'K'};
constexpr std::array<char, 8> kChallengeMagic = {'T', 'U', 'T', 'T', 'C', 'H', 'A', 'L'};

// Offsets in a hello ...
constexpr std::size_t kHelloVersion = 8;
constexpr std::size_t kHelloFrom = 12;
constexpr std::size_t kHelloTo = 16;
constexpr std::size_t kHelloRanks = 20;
constexpr std::size_t kHelloCommunicator = 24;
constexpr std::size_t kHelloNode = 40;
constexpr std::size_t kHelloNonce = 56;  // 24 bytes; the rest is zero
// ... and in a challenge.
constexpr std::size_t kChallengeRefusal = 8;
constexpr std::size_t kChallengeVersion = 12;
constexpr std::size_t kChallengeNode = 16;
constexpr std::size_t kChallengeNonce = 32;  // 24 bytes, and 8 zero
constexpr std::size_t kChallengeCode = 64;

void put_word(std::byte* to, std::uint32_t value) noexcept {
  for (unsigned i = 0; i < 4; ++i) to[i] = static_cast<std::byte>(value >> 8 * i);
}

std::uint32_t word_at(const std::byte* from) noexcept {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) value |= static_cast<std::uint32_t>(from[i]) << 8 * i;
  return value;
}

std::span<const std::byte> label(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

Key server_code(const Key& key, const HelloBytes& hello, const ChallengeBytes& challenge) {
  return authenticate(
      key, {label("tutti: who listens"), hello, std::span(challenge).first(kChallengeCode)});
}

Key client_code(const Key& key, const HelloBytes& hello, const ChallengeBytes& challenge) {
  return authenticate(
      key, {label("tutti: who connects"), hello, std::span(challenge).first(kChallengeCode)});
}

void put_nonce(std::byte* to) {
  const Key random = random_key();
  std::memcpy(to, random.data(), sizeof(Nonce));
}

}  // namespace

std::string_view describe(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kNone:
      return "welcome";
    case Refusal::kGarbage:
      return "what came is no handshake of Tutti";
    case Refusal::kVersion:
      return "it speaks another version of the protocol";
    case Refusal::kStranger:
      return "its communicator is not known here";
    case Refusal::kRank:
      return "its rank is not one of the communicator, or belongs to another process";
    case Refusal::kProof:
      return "it does not know the communicator's secret";
    case Refusal::kDuplicate:
      return "both sides have connected at once, and the other connection stays";
    case Refusal::kSilence:
      return "it did not finish the handshake in time";
    case Refusal::kGone:
      return "it is taken for dead, since a connection of it has ended";
  }
  return "for a reason that is not known here";
}

ClientHandshake::ClientHandshake(const Key& key, const Introduction& introduction) : key_(key) {
  hello_.fill(std::byte{});
  std::byte* const p = hello_.data();
  std::memcpy(p, kHelloMagic.data(), kHelloMagic.size());
  put_word(p + kHelloVersion, kVersion);
  put_word(p + kHelloFrom, introduction.from);
  put_word(p + kHelloTo, introduction.to);
  put_word(p + kHelloRanks, introduction.ranks);
  std::memcpy(p + kHelloCommunicator, introduction.communicator.data(), sizeof(CommunicatorId));
  std::memcpy(p + kHelloNode, introduction.node.data(), sizeof(NodeId));
  put_nonce(p + kHelloNonce);
}

Refusal ClientHandshake::take(const ChallengeBytes& challenge) {
  if (std::memcmp(challenge.data(), kChallengeMagic.data(), kChallengeMagic.size()) != 0) {
    return Refusal::kGarbage;
  }
  const std::uint32_t refusal = word_at(challenge.data() + kChallengeRefusal);
  if (refusal != 0) return refusal < kRefusals ? static_cast<Refusal>(refusal) : Refusal::kGarbage;
  if (word_at(challenge.data() + kChallengeVersion) != kVersion) return Refusal::kVersion;
  Key code;
  std::memcpy(code.data(), challenge.data() + kChallengeCode, code.size());
  if (!same(code, server_code(key_, hello_, challenge))) return Refusal::kProof;
  std::memcpy(node_.data(), challenge.data() + kChallengeNode, node_.size());
  proof_ = client_code(key_, hello_, challenge);
  return Refusal::kNone;
}

std::optional<Introduction> parse_hello(const HelloBytes& hello, Refusal& refusal) noexcept {
  const std::byte* const p = hello.data();
  refusal = Refusal::kGarbage;
  if (std::memcmp(p, kHelloMagic.data(), kHelloMagic.size()) != 0) return std::nullopt;
  refusal = Refusal::kVersion;
  if (word_at(p + kHelloVersion) != kVersion) return std::nullopt;
  refusal = Refusal::kNone;
  Introduction said;
  said.from = word_at(p + kHelloFrom);
  said.to = word_at(p + kHelloTo);
  said.ranks = word_at(p + kHelloRanks);
  std::memcpy(said.communicator.data(), p + kHelloCommunicator, sizeof(CommunicatorId));
  std::memcpy(said.node.data(), p + kHelloNode, sizeof(NodeId));
  return said;
}

ServerHandshake::ServerHandshake(const Key& key, const HelloBytes& hello, const NodeId& node) {
  challenge_ = refuse(Refusal::kNone);
  std::memcpy(challenge_.data() + kChallengeNode, node.data(), node.size());
  put_nonce(challenge_.data() + kChallengeNonce);
  const Key code = server_code(key, hello, challenge_);
  std::memcpy(challenge_.data() + kChallengeCode, code.data(), code.size());
  expected_ = client_code(key, hello, challenge_);
}

ChallengeBytes refuse(Refusal refusal) noexcept {
  ChallengeBytes challenge{};
  std::memcpy(challenge.data(), kChallengeMagic.data(), kChallengeMagic.size());
  put_word(challenge.data() + kChallengeRefusal, static_cast<std::uint32_t>(refusal));
  put_word(challenge.data() + kChallengeVersion, kVersion);
  return challenge;
}

VerdictBytes verdict(Refusal refusal) noexcept {
  VerdictBytes bytes{};
  put_word(bytes.data(), static_cast<std::uint32_t>(refusal));
  return bytes;
}

Refusal parse_verdict(const VerdictBytes& verdict) noexcept {
  const std::uint32_t refusal = word_at(verdict.data());
  return refusal < kRefusals ? static_cast<Refusal>(refusal) : Refusal::kGarbage;
}

}  // namespace tutti::tcp
