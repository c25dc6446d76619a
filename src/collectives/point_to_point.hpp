// Messages from one rank to another. They are no collectives: a message has a number among those of
// its (sender, receiver) pair only, which both sides count, and uses the lines of slot number mod
// kPairDepth. Its bytes go, as the sender says in kEntry at the receiver,
//   inline    in the entry itself, up to 32 bytes: the send is done when the slot is free,
//   in place  read from the sender's buffer by the receiver: heap memory, ranks of one process, or
//             large and copied by the transport (Window::get),
//   staged    in chunks through one of the sender's pipes (pair_pipes.hpp).
// The receiver ends every message with kTaken at the sender; message n needs that of n -
// kPairDepth.
//
// Staged: the receiver, whose Recv runs, answers the entry with kWanted; only then does the sender
// take a pipe, say in a second step of the entry which one, fill chunks (kReady) and await their
// copies (kTaken).
//
// Why this cannot deadlock. All messages of one call (a Send, a Recv, those of a group) are driven
// by one loop that never stands still on one of them. What a message needs of others is a free slot
// and a pipe. A slot is freed by the Recv of an earlier message of the pair, which the caller's
// program runs no later. A pipe is held only while the peer's Recv runs, and receiving needs
// nothing but the sender's chunks; so held pipes empty, whatever else is blocked.
#pragma once

#include <tutti/tutti.h>

#include <memory>
#include <span>

#include "channel/channel.hpp"
#include "collectives/pair_pipes.hpp"

namespace tutti {

// One Send or Recv on this rank.
struct Message {
  enum class Direction : std::uint8_t { kSend, kReceive };
  Direction direction = Direction::kSend;
  Rank peer = 0;
  const std::byte* send = nullptr;  // kSend
  std::byte* recv = nullptr;        // kReceive
  std::size_t bytes = 0;
  std::uint64_t fingerprint = 0;
  Sequence number = 0;       // PointToPoint::number
  std::uint64_t record = 0;  // the caller's, for reports
};

// A message under way.
struct Transfer {
  enum class Stage : std::uint8_t {
    kStart,     // sender: the slot is not free yet; receiver: the entry is not there yet
    kInPlace,   // sender: the receiver has not copied yet
    kUnwanted,  // sender: the receiver, or a pipe, is not there yet
    kUnpiped,   // receiver: it is not known which pipe
    kReadable,  // receiver: the sender's buffer is there to be copied
    kStaged,    // chunks travel
    kDone
  };
  Message message;
  Stage stage = Stage::kStart;
  const char* way = "";         // "inline", "in_place" or "staged", once that is known
  unsigned pipe = 0;            // sender
  std::uint64_t chunks = 0;     // filled, or copied
  std::size_t moved = 0;        // bytes of these
  std::size_t pipe_offset = 0;  // in the sender's pair staging
  std::size_t chunk_bytes = 0;
};

// This rank's messages on one channel.
class PointToPoint {
 public:
  // `channel` outlives it; `first` is the number of every pair's first message.
  PointToPoint(Channel& channel, Sequence first);

  // Gives a message its place in the order of its pair. In a Call; throws when the communicator has
  // failed, before anything is counted.
  void number(Message& message);

  // Returns when all are done: sent bytes are free again, received ones are there. On any thread;
  // several may run at once. Changes the order of `transfers`.
  void run(std::span<Transfer> transfers);

 private:
  friend class TransferLoop;
  struct Counts {
    Sequence sent;
    Sequence received;
  };

  Channel& channel_;
  Sequence first_;
  PairPipes pipes_;
  std::unique_ptr<Counts[]> next_;  // by peer
};

}  // namespace tutti
