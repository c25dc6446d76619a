#include "collectives/message_trouble.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace tutti {

void raise_gone(Channel& channel, Rank peer, PeerState state) {
  channel.raise(Error(
      tuttiRemoteError,
      fmt::format("rank {} of \"{}\" {} and was needed in Send or Recv (transport {})", peer,
                  channel.name(), state == PeerState::kDead ? "died" : "left the communicator",
                  channel.transport().name()),
      {peer}));
}

void raise_no_progress(Channel& channel, std::span<const Transfer> open,
                       const std::vector<Rank>& missing, Nanoseconds waited) {
  std::vector<Rank> to, from;
  for (const Transfer& transfer : open) {
    const Message& m = transfer.message;
    (m.direction == Message::Direction::kSend ? to : from).push_back(m.peer);
  }
  channel.raise(
      Error(tuttiTimeout,
            fmt::format("on \"{}\", after {} ms without progress: {} Send wait for ranks [{}], {} "
                        "Recv for ranks [{}] (transport {})",
                        channel.name(),
                        std::chrono::duration_cast<std::chrono::milliseconds>(waited).count(),
                        to.size(), fmt::join(to, ", "), from.size(), fmt::join(from, ", "),
                        channel.transport().name()),
            missing));
}

void raise_unequal(Channel& channel, const Message& message, std::uint64_t stamp,
                   std::size_t bytes) {
  const Rank peer = message.peer;
  const Rank self = channel.rank();
  std::vector<int> culprits{std::min(peer, self), std::max(peer, self)};
  if (peer == self) culprits.pop_back();
  channel.raise(Error(
      tuttiMismatch,
      fmt::format("message {} from rank {} to rank {} of \"{}\": rank {} sends {} of {} "
                  "bytes, rank {} expects {} of {} bytes",
                  message.number, peer, self, channel.name(), peer, describe_fingerprint(stamp),
                  bytes, self, describe_fingerprint(message.fingerprint), message.bytes),
      std::move(culprits)));
}

}  // namespace tutti
