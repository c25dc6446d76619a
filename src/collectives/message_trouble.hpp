// What is said when messages between two ranks go wrong. Each fails the communicator everywhere and
// throws the error that won.
#pragma once

#include <span>

#include "collectives/point_to_point.hpp"

namespace tutti {

// `peer` is dead, or has left, and was needed.
[[noreturn]] void raise_gone(Channel& channel, Rank peer, PeerState state);

// Nothing has moved for `waited`; `open` are the transfers that are not done, with ranks `missing`.
[[noreturn]] void raise_no_progress(Channel& channel, std::span<const Transfer> open,
                                    const std::vector<Rank>& missing, Nanoseconds waited);

// The peer sends `bytes` bytes of a message whose fingerprint is `stamp`; `message` expects
// another.
[[noreturn]] void raise_unequal(Channel& channel, const Message& message, std::uint64_t stamp,
                                std::size_t bytes);

}  // namespace tutti
