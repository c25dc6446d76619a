// The routing of a step as a flat list, sorted by brute force: what the index arithmetic must agree
// with.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "moe/arrivals.hpp"
#include "moe/placement.hpp"
#include "moe/routing.hpp"

namespace tutti::moe::oracle {

// How tokens choose experts in a made-up step.
enum class Choice { kUniform, kSkewed, kOneHot, kNone, kHoles };
constexpr Choice kChoices[] = {Choice::kUniform, Choice::kSkewed, Choice::kOneHot, Choice::kNone,
                               Choice::kHoles};

// One rank's router output: [tokens, lanes] dense.
struct Source {
  int tokens = 0;
  std::vector<std::int32_t> experts;
};

struct Step {
  int lanes = 0;
  std::vector<Source> sources;  // [R]
};

// Source r has tokens[r] tokens; lanes without an expert left to choose are -1.
Step make_step(std::mt19937& random, Choice choice, int num_experts, int lanes,
               const std::vector<int>& tokens);

// One lane in use, anywhere.
struct Flight {
  int source, token, lane, destination, expert;  // expert: local to the destination
};

// All lanes in use, ascending by (source, token, lane).
std::vector<Flight> flights_of(const Step& step, const Placement& placement);

// What `rank` receives: for each row its source, in the documented order, padding included; and for
// every flight to this rank, in flights_of's order, the row that holds it.
struct Received {
  std::vector<tuttiMoeSource_t> rows;
  std::vector<std::uint32_t> row_of_flight;
  std::vector<std::int64_t> expert_counts, expert_offsets, source_counts;
};
Received receive(const std::vector<Flight>& flights, int rank, int ranks, int local_experts,
                 const Layout& layout);

}  // namespace tutti::moe::oracle
