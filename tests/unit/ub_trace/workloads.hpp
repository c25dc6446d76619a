// Programs of these tests: what ranks do over the C API between two marks, and a run of it with or
// without a record.
#pragma once

#include <tutti/moe.h>
#include <tutti/tutti.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/scale.hpp"
#include "transports/ub/bus/simulation.hpp"
#include "transports/ub/trace/critical_path.hpp"

namespace tutti::ub::test {

using tutti::test::kSanitized;

// Throws with the library's sentence.
void check(tuttiResult_t code);

struct Program {
  std::string name;
  // The rank's operation, which is marked "op". What it returns lives until the rank ends.
  std::function<void(tuttiComm_t comm, int rank, int ranks)> operation;
};

Program all_reduce(std::size_t bytes);
Program all_to_all(std::size_t bytes_per_pair);
Program all_gather_on_a_stream(std::size_t bytes);
Program barrier();
Program moe_step(int tokens, std::size_t row_bytes);

struct Conditions {
  std::string fabric = "cloudmatrix384";
  int ranks = 16;
  std::vector<std::string> settings{};
  ModelLevel level = ModelLevel::kMessage;
  std::uint64_t record_bytes = std::uint64_t{1} << 30;
};

struct Outcome {
  std::unique_ptr<Simulation> simulation;  // has the record
  SimulationReport report;
};

// Ranks begin the operation together, `rounds` times, after one that is not marked.
Outcome run(const Program& program, const Conditions& conditions, int rounds = 1);

}  // namespace tutti::ub::test
