// One rank's part in the measurement of a pair.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bootstrap/bootstrap.hpp"
#include "transports/ub/bus/bus_transport.hpp"
#include "transports/ub/bus/simulation.hpp"

namespace tutti::perf {

// What one rank tells the other beside the fabric: all ranks are fibres of one thread.
struct PairNotes {
  ub::Picoseconds started{};
  ub::Picoseconds ended{};
  std::size_t wrong = 0;  // bytes
};

// Construction is collective over the bootstrap's ranks.
class PairEnd {
 public:
  // Rows of up to `bytes`. `bootstrap` outlives it.
  PairEnd(Bootstrap& bootstrap, std::size_t bytes);

  // All ranks call it: rank 0 puts `bytes` into `peer`'s memory, or views them there. `round` is
  // new each time. `notes` are the same object on all ranks.
  void put(Rank peer, std::size_t bytes, std::uint64_t round, PairNotes& notes);
  void view(Rank peer, std::size_t bytes, std::uint64_t round, PairNotes& notes);

 private:
  static ub::Picoseconds now() { return ub::Simulation::current()->scheduler().now(); }
  void meet() { bootstrap_.all_gather({}, {}); }
  std::span<std::byte> staging(std::size_t bytes) {
    return control_->local().subspan(line_bytes_, bytes);
  }
  void wait_for_line(std::uint64_t value);

  Bootstrap& bootstrap_;
  const Rank rank_;
  ub::BusTransport transport_;
  std::size_t line_bytes_;
  std::unique_ptr<ControlWindow> control_;
  std::vector<std::byte> source_;  // rank 0
};

}  // namespace tutti::perf
