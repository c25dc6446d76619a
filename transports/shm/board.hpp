// The first pages of a control window's memory: where all ranks of the host see the state of each
// and the error that ended the communicator, if one did. Written on trouble only.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <tutti/transport.hpp>

namespace tutti::shm {

// The first error wins: kNone -> kWriting by compare-exchange, then kReady with release, which
// pairs with the acquire of who reads the text.
struct FailureRecord {
  enum State : std::uint32_t { kNone, kWriting, kReady };
  static constexpr std::size_t kTextBytes = 1536;
  static constexpr std::size_t kMaxCulprits = 64;

  std::atomic<std::uint32_t> state;
  std::int32_t code;
  std::uint32_t culprit_count;
  std::array<std::int32_t, kMaxCulprits> culprits;
  std::array<char, kTextBytes> text;
};

struct Board {
  FailureRecord failure;
  std::atomic<std::uint32_t> marks;  // counts changes of peer_states
  // PeerState of each rank follows, one word a rank.
  std::atomic<std::uint32_t> peer_states[1];

  static constexpr std::size_t bytes(int ranks) {
    const std::size_t used =
        sizeof(Board) + static_cast<std::size_t>(ranks) * sizeof(std::atomic<std::uint32_t>);
    return (used + 4095) & ~std::size_t{4095};
  }
};

}  // namespace tutti::shm
