// What windows over messages need of the wire beneath them.
#pragma once

#include <cstddef>
#include <span>
#include <tutti/transport.hpp>

#include "transports/message/frame.hpp"

namespace tutti::message {

// A range of a peer's memory, and where it goes.
struct Wanted {
  Rank peer = 0;
  std::size_t offset = 0;
  std::byte* to = nullptr;
  std::size_t bytes = 0;
  bool absent = false;  // set by fetch(): the peer has no such range
};

class Carrier {
 public:
  // To another rank. As Window::put: sources are read until flush().
  virtual bool put(Rank peer, WindowId window, std::span<const Piece> pieces) = 0;
  virtual void post(Rank peer, LineId line, std::uint64_t value, const LineContent& content) = 0;
  virtual void flush(Rank peer, Nanoseconds timeout) = 0;
  // Of other ranks; those of one peer follow each other. Returns when all has been answered. Throws
  // tuttiSystemError that names a peer which died, left or cannot give it.
  virtual void fetch(WindowId window, std::span<Wanted> wanted) = 0;

 protected:
  ~Carrier() = default;
};

}  // namespace tutti::message
