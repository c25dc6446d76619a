// What a run of a simulation was like.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "transports/ub/engine/time.hpp"

namespace tutti::ub {

struct RankEnd {
  enum class How : std::uint8_t {
    kFinished,
    kFailed,  // with an exception
    kDied,    // it failed, or its node
    kStuck    // it waited for ever
  };
  How how = How::kStuck;
  Picoseconds at{};            // kStuck: since when it waited
  std::string why;             // what the exception says, or what it waited for
  std::exception_ptr failure;  // kFailed
};

struct SimulationReport {
  Picoseconds end{};           // of the last rank, or the last arrival
  Picoseconds last_arrival{};  // the model's
  Picoseconds bound{};         // before this no model has all arrivals of these transfers
  bool late = false;           // the limit came first
  std::vector<RankEnd> ranks;
  // Every time that all waited for each other: a line for each fibre.
  std::vector<std::string> deadlocks;

  // Would every run be this one? Not when a rank's time has been measured on this machine.
  bool deterministic = true;

  // Where ranks read and write without order, the first ones in words; of a run that looks for
  // them.
  std::vector<std::string> races;
  std::uint64_t races_found = 0;

  std::uint64_t arrivals = 0;  // digest of (time, rank, event, bytes), in order
  std::uint64_t payload = 0;   // digest of the bytes of puts, commits, views and gets, in no order
  std::uint64_t transfers = 0;
  std::uint64_t bytes = 0;
  std::uint64_t events = 0;

  bool all_finished() const noexcept {
    for (const RankEnd& rank : ranks) {
      if (rank.how != RankEnd::How::kFinished) return false;
    }
    return true;
  }
};

}  // namespace tutti::ub
