// What a rank sends to itself: no port, its memory copies one after another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "transports/ub/model/fabric.hpp"

namespace tutti::ub {

class LocalCopies {
 public:
  LocalCopies(const Topology& topology, TransferSink& sink)
      : sink_(sink), busy_until_(static_cast<std::size_t>(topology.ranks())) {}

  // `ready`: when the first row has been issued.
  void start(Picoseconds ready, const Transfer& transfer, const FabricPath& path) {
    Picoseconds& until = busy_until_[static_cast<std::size_t>(transfer.rank)];
    until = std::max(until, ready + path.before_port) + path.port.time(transfer.bytes);
    const Picoseconds done = until;  // the sink may start the next one
    sink_.left(transfer.tag, done);
    sink_.arrived(transfer.tag, done);
  }

 private:
  TransferSink& sink_;
  std::vector<Picoseconds> busy_until_;  // [rank]
};

}  // namespace tutti::ub
