#include "bootstrap/meeting_handshake.hpp"

#include <algorithm>
#include <cstring>
#include <span>

namespace tutti::wire {

namespace {

template <typename T>
std::span<const std::byte> bytes_in(const T& value) {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

std::span<const std::byte> bytes_in(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

Key code_of_meeting(const Key& key, const Hello& hello, Challenge challenge) {
  challenge.code = {};
  return authenticate(
      key, {bytes_in(std::string_view("the meeting")), bytes_in(hello), bytes_in(challenge)});
}

}  // namespace

std::string_view describe(Stranger why) noexcept {
  switch (why) {
    case Stranger::kGarbage:
      return "not the beginning of a handshake";
    case Stranger::kVersion:
      return "another version of the protocol";
    case Stranger::kSecret:
      return "does not know the unique id's secret";
    case Stranger::kSilence:
      return "took too long";
    case Stranger::kLeft:
      return "left in the middle of the handshake";
  }
  return "?";
}

Key key_of(const MeetingSecret& secret) {
  Key padded{};
  std::memcpy(padded.data(), secret.data(), secret.size());
  return derive(padded, "tutti: where ranks meet");
}

Hello make_hello(Rank rank, int ranks) {
  Hello hello{.rank = rank, .ranks = ranks};
  hello.nonce = random_key();
  return hello;
}

Challenge make_challenge(const Key& key, const Hello& hello) {
  Challenge challenge;
  const Key random = random_key();
  std::copy_n(random.begin(), challenge.nonce.size(), challenge.nonce.begin());
  challenge.code = code_of_meeting(key, hello, challenge);
  return challenge;
}

bool is_genuine(const Key& key, const Hello& hello, const Challenge& challenge) {
  return same(challenge.code, code_of_meeting(key, hello, challenge));
}

Proof proof_of(const Key& key, const Hello& hello, const Challenge& challenge) {
  return authenticate(key,
                      {bytes_in(std::string_view("a rank")), bytes_in(hello), bytes_in(challenge)});
}

}  // namespace tutti::wire
