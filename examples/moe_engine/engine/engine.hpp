// The engine on one rank: its requests, step after step, together with all other ranks.
#pragma once

#include <optional>
#include <span>

#include "../language/weights.hpp"
#include "../serving/schedule.hpp"
#include "transformer.hpp"

namespace moe_engine {

struct EngineOptions {
  tuttiMoeLayout_t layout = tuttiMoeLayoutExpert;
  std::size_t step_tokens = 64;  // of a rank, in a step and microbatch, at most
  std::size_t sequences = 8;     // of a rank, under way in each microbatch, at most
  Device device;
};

// Of one rank, in milliseconds. Plain data: ranks gather it.
struct EngineTimes {
  double total = 0;
  double dense = 0, experts = 0;
  double agreement = 0;  // whether there is a further step
  ExchangeTimes exchange;
  double steps = 0;
  double read = 0;  // tokens, the written ones that were read again included
};

class Engine {
 public:
  // Collective. The references must outlive this.
  Engine(const Model& model, const EngineOptions& options, tutti::Communicator& comm);

  // Collective: serves the requests of this rank, returns when those of all ranks are done.
  EngineTimes serve(Schedule& schedule);

  const Clock& clock() const { return clock_; }

 private:
  // How many microbatches of a step have tokens on any rank.
  std::size_t agree(EngineTimes& times);

  tutti::Communicator& comm_;
  std::size_t vocab_;
  Clock clock_;
  example::Products products_;
  tutti::MoeGroup group_;
  Transformer transformer_;
  std::array<std::unique_ptr<Microbatch>, Schedule::kHalves> halves_;
};

}  // namespace moe_engine
