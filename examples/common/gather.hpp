// Plain data of every rank, on rank 0.
#pragma once

#include <cstdint>
#include <span>
#include <tutti/tutti.hpp>
#include <type_traits>
#include <vector>

namespace example {

// On rank 0: [ranks][mine.size()] values of every rank; elsewhere nothing that means anything. The
// size of `mine` is the same on all ranks.
template <typename T>
requires std::is_trivially_copyable_v<T> std::vector<T> gather(tutti::Communicator& comm,
                                                               const std::vector<T>& mine) {
  std::vector<T> all(mine.size() * static_cast<std::size_t>(comm.size()));
  const std::span sent(reinterpret_cast<const std::uint8_t*>(mine.data()), mine.size() * sizeof(T));
  const std::span received(reinterpret_cast<std::uint8_t*>(all.data()), all.size() * sizeof(T));
  comm.gather(sent, received, 0);
  return all;
}

}  // namespace example
