// Every algorithm that can run a call, timed on the fabric of the simulation that runs: what the
// selection's choice is compared with.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "communicator/communicator.hpp"
#include "transports/ub/engine/time.hpp"
#include "transports/ub/model/port_sums.hpp"

namespace tutti::perf {

struct Entrant {
  AlgorithmChoice choice;
  double predicted_us = 0;  // by the model
  double us = 0;            // from the common start to the end of the last rank
  double bound_us = 0;      // how long the busiest port takes for what the ranks sent
};

// Of the ranks of one simulation, which are fibres of one thread and share it.
class Race {
 public:
  explicit Race(int ranks) : ranks_(ranks) {}

  // Collective. Runs the call with each choice that can run it and that takes_part(), which must
  // say the same on all ranks; whatever that says, the selection's own. In the order of the
  // predictions; the same on every rank.
  std::vector<Entrant> run(tuttiComm_t comm, const Request& request,
                           const std::function<bool(const AlgorithmChoice&)>& takes_part);

 private:
  struct Time {
    double us;
    double bound_us;
  };
  Time time(tuttiComm_t comm, const std::function<void()>& body);

  int ranks_;
  int begun_ = 0;  // calls of time(), by all ranks
  ub::Picoseconds start_{};
  ub::Picoseconds last_{};
  std::optional<ub::PortSums> sums_;  // of the call under way
};

// The fastest of a race, and how much longer the selection's choice takes.
struct Verdict {
  Entrant chosen;
  Entrant fastest;
  double percent() const { return (chosen.us / fastest.us - 1) * 100; }
};
Verdict judge(const std::vector<Entrant>& entrants, const AlgorithmChoice& chosen);

}  // namespace tutti::perf
