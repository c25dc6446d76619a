// What a checker of races hears from the library: which memory it reads and writes itself, and
// which lines it goes by. Nobody listens on a machine (Transport::watch).
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <span>
#include <string>
#include <tutti/transport.hpp>

namespace tutti {

// Memory that is about to be read or written, by whoever says so.
struct Read {
  const void* data = nullptr;
  std::size_t bytes = 0;
};
struct Write {
  const void* data = nullptr;
  std::size_t bytes = 0;
};

// Several places of one size.
struct Reads {
  std::span<const std::byte* const> data;
  std::size_t bytes = 0;
};
struct Writes {
  std::span<std::byte* const> data;
  std::size_t bytes = 0;
};

// What orders ranks, in the classes that a test of the checker leaves out one by one.
enum class Sync : std::uint8_t {
  kPost,    // a line that is posted
  kWait,    // for a peer's line
  kCredit,  // for a slot that a peer may still use
  kEpoch    // is the line this operation's, and not that of one before?
};

// Where one of them is called, by which mark of the operation.
struct SyncPlace {
  std::source_location where;
  unsigned mark = 0;  // a Phase, or a PairLine
};

// An operation, for who has to name it later.
struct CallName {
  const std::string& channel;
  std::uint64_t sequence;
  std::uint64_t what;  // describe(what) says it
  std::string (*describe)(std::uint64_t what);
};

// Calls are made by the fibre that does what they say, at the time at which it does it. Any of them
// may throw Error, where the listener ends the run.
class ChannelWatch {
 public:
  // What the caller does from now on is part of that call.
  virtual void enters(const CallName& call) = 0;
  virtual void touches(Read read) = 0;
  virtual void touches(Write write) = 0;

  // A buffer is the user's before and after an operation. `exclusive`: the operation writes there.
  virtual void takes(const void* data, std::size_t bytes, bool exclusive) = 0;
  virtual void gives_back(const void* data, std::size_t bytes, bool exclusive) = 0;

  // The caller has found the value that it waited for in its own line.
  virtual void acquired(const Line& line) = 0;
  // It uses what came with the value, until it leaves the call.
  virtual void uses_content(const Line& line) = 0;
  virtual void leaves() = 0;

  // Order among the streams of a rank: who hears is behind all who have told the same object.
  virtual void tells(const void* object) = 0;
  virtual void hears(const void* object) = 0;

  // For tests: is this one left out of the run?
  virtual bool leaves_out(Sync sync, const SyncPlace& place) = 0;

 protected:
  ~ChannelWatch() = default;
};

}  // namespace tutti
