// How ranks exchange small blobs before they share memory: one collective, an all-gather, with a
// deadline. Used for set-up only; every way to meet (meeting, callbacks, local group) implements
// it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <tutti/transport.hpp>
#include <type_traits>
#include <vector>

#include "bootstrap/key.hpp"
#include "bootstrap/socket_address.hpp"

namespace tutti {

class Bootstrap {
 public:
  virtual ~Bootstrap() = default;

  virtual Rank rank() const noexcept = 0;
  virtual int ranks() const noexcept = 0;
  // What a rank is called in sentences, where these are some ranks of a communicator.
  virtual Rank name_of(Rank rank) const noexcept { return rank; }

  // Copies `mine` of every rank into `all` (ranks * mine.size() bytes), in rank order. Collective,
  // with the same size on every rank, 0 allowed (a barrier). Throws tuttiTimeout naming the ranks
  // not heard of, tuttiRemoteError naming a rank that left or died, tuttiMismatch when sizes
  // differ; after a failure every further call fails too.
  virtual void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) = 0;

  // Collective: a key that all ranks know, and nobody who does not meet here. Unless a way to meet
  // has a secret to make it from, rank 0 thinks of one, which is as secret as all_gather is.
  virtual Key key();

  // This rank's end of the way to the others, where there is one such.
  virtual std::optional<SocketAddress> local_end() const { return std::nullopt; }
};

// For implementations: tuttiInvalidArgument unless `all` is `mine` once per rank.
void check_all_gather(const Bootstrap& bootstrap, std::span<const std::byte> mine,
                      std::span<const std::byte> all);

// The values of all ranks, in rank order.
template <typename T>
std::vector<T> all_gather_value(Bootstrap& bootstrap, const T& mine) {
  static_assert(std::is_trivially_copyable_v<T>, "values travel as bytes");
  std::vector<T> all(static_cast<std::size_t>(bootstrap.ranks()));
  bootstrap.all_gather(std::as_bytes(std::span<const T, 1>(&mine, 1)),
                       std::as_writable_bytes(std::span<T>(all)));
  return all;
}

}  // namespace tutti
