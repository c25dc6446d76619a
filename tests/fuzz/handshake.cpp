// TCP's handshake, both sides: nobody who does not know the key is let in.
#include "transports/tcp/handshake.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "demand.hpp"

namespace {

template <typename Bytes>
Bytes take(const std::uint8_t*& data, std::size_t& size) {
  Bytes bytes{};
  const std::size_t count = std::min(size, bytes.size());
  if (count > 0) std::memcpy(bytes.data(), data, count);
  data += count;
  size -= count;
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tutti;
  using namespace tutti::tcp;
  static const Key key = random_key();
  const auto hello = take<HelloBytes>(data, size);
  const auto challenge = take<ChallengeBytes>(data, size);
  const auto proof = take<Key>(data, size);
  const auto answer = take<VerdictBytes>(data, size);

  Refusal refusal = Refusal::kNone;
  const auto introduction = parse_hello(hello, refusal);
  TUTTI_DEMAND(introduction.has_value() == (refusal == Refusal::kNone));
  if (introduction) {
    const ServerHandshake server(key, hello, {});
    TUTTI_DEMAND(!server.proves(proof));
  }
  ClientHandshake client(key, introduction.value_or(Introduction{}));
  TUTTI_DEMAND(client.take(challenge) != Refusal::kNone);
  TUTTI_DEMAND(!describe(parse_verdict(answer)).empty());
  return 0;
}
