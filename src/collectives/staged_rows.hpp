// Rows that travel in chunks through the sender's staging, all of a rank's at once: while one chunk
// is read, the next is filled.
//
// A pipe is a part of the sender's staging with two chunks. The sender fills chunk c and raises
// kReady c + 1 at the receivers; each copies it away and raises kTaken c + 1 at the sender, who may
// then fill chunk c + 2. A row starts when the row before it in its pipe has been taken.
#pragma once

#include <algorithm>
#include <vector>

#include "channel/operation.hpp"

namespace tutti {

struct Pipe {
  std::size_t staging_offset = 0;
  std::size_t chunk_bytes = 0;
};

class StagedRows {
 public:
  explicit StagedRows(const Operation& operation) : operation_(operation) {}

  // A row of this rank for one or several peers. Rows of one pipe go in the order of the calls.
  // Returns its index.
  std::size_t send(std::vector<Rank> peers, const std::byte* data, std::size_t bytes,
                   const Pipe& pipe);

  static constexpr std::size_t kFree = ~std::size_t{0};
  // A row of a peer. With `behind`, the index of a row that is being sent, no byte is written
  // before the same byte of that row has been copied to staging.
  void receive(Rank peer, std::byte* data, std::size_t bytes, const Pipe& pipe,
               std::size_t behind = kFree);

  // Returns when all rows have been sent, taken and received.
  void run(std::span<std::byte> staging);

 private:
  struct Sent {
    std::vector<Rank> peers;
    const std::byte* data;
    std::size_t bytes;
    Pipe pipe;
    std::size_t before;      // the row before in the same pipe, or kFree
    std::size_t filled = 0;  // bytes
    unsigned chunks = 0;     // filled
    bool taken = false;
  };
  struct Received {
    Rank peer;
    std::byte* data;
    std::size_t bytes;
    Pipe pipe;
    std::size_t behind;
    std::size_t copied = 0;
    unsigned chunks = 0;

    std::size_t next_bytes() const { return std::min(pipe.chunk_bytes, bytes - copied); }
  };

  bool advance(Sent& row, std::span<std::byte> staging);
  bool advance_received();
  bool is_there(const Received& row) const;
  bool taken_by_all(const Sent& row, unsigned chunks) const;

  const Operation& operation_;
  std::vector<Sent> sent_;
  std::vector<Received> received_;
  std::vector<View> views_;  // chunks that are there, and their rows
  std::vector<Received*> there_;
};

}  // namespace tutti
