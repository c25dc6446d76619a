// How two processes that are about to be linked show each other that they belong to one
// communicator and who they are: each proves by HMAC that it knows the communicator's key, over
// everything that both have said, which has a random number of each. Encoded and parsed here only;
// knows no socket.
//
//   who connects                    who listens
//   Hello (96 bytes)
//                                   Challenge (64 + 32): or a refusal, and the end
//   Proof (32)
//                                   Verdict (8): welcome, or a refusal, and the end
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bootstrap/key.hpp"
#include "transports/message/node_id.hpp"

namespace tutti::tcp {

using message::NodeId;
using CommunicatorId = std::array<std::byte, 16>;
using Nonce = std::array<std::byte, 24>;

// Who connects, and to whom: ranks of one communicator.
struct Introduction {
  CommunicatorId communicator{};
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint32_t ranks = 0;
  NodeId node{};  // who connects
};

enum class Refusal : std::uint32_t {
  kNone,
  kGarbage,    // not the beginning of a handshake
  kVersion,    // another version of the protocol
  kStranger,   // no such communicator here
  kRank,       // a rank that it does not have, or has elsewhere
  kProof,      // does not know the key
  kDuplicate,  // who listens is about to connect itself, and comes first
  kSilence,    // took too long
  kGone        // a connection of that rank has ended: to who listens it is dead, and stays so
};
inline constexpr unsigned kRefusals = 9;
std::string_view describe(Refusal refusal) noexcept;

inline constexpr std::size_t kHelloBytes = 96;
inline constexpr std::size_t kChallengeBytes = 96;
inline constexpr std::size_t kProofBytes = 32;
inline constexpr std::size_t kVerdictBytes = 8;
using HelloBytes = std::array<std::byte, kHelloBytes>;
using ChallengeBytes = std::array<std::byte, kChallengeBytes>;
using VerdictBytes = std::array<std::byte, kVerdictBytes>;

// The side that connects.
class ClientHandshake {
 public:
  ClientHandshake(const Key& key, const Introduction& introduction);

  const HelloBytes& hello() const noexcept { return hello_; }
  // The listener's answer; what is wrong with it, or kNone, and then the proof.
  Refusal take(const ChallengeBytes& challenge);
  const Key& proof() const noexcept { return proof_; }
  const NodeId& node() const noexcept { return node_; }  // who listens

 private:
  const Key key_;
  HelloBytes hello_;
  NodeId node_{};
  Key proof_{};
};

// What a hello says; nothing, and why not, for one that is none.
std::optional<Introduction> parse_hello(const HelloBytes& hello, Refusal& refusal) noexcept;

// The side that listens, once it knows the key of the communicator that was named.
class ServerHandshake {
 public:
  ServerHandshake(const Key& key, const HelloBytes& hello, const NodeId& node);

  const ChallengeBytes& challenge() const noexcept { return challenge_; }
  bool proves(const Key& proof) const noexcept { return same(proof, expected_); }

 private:
  ChallengeBytes challenge_;
  Key expected_;
};

// A challenge that refuses.
ChallengeBytes refuse(Refusal refusal) noexcept;
VerdictBytes verdict(Refusal refusal) noexcept;
Refusal parse_verdict(const VerdictBytes& verdict) noexcept;

}  // namespace tutti::tcp
