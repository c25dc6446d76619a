// The critical path: its parts are its length, to the picosecond, and predict what they cost.
#include <gmock/gmock.h>

#include <numeric>

#include "tests/unit/ub_trace/workloads.hpp"

namespace tutti::ub::test {
namespace {

void expect_exact(const CriticalPath& path) {
  Picoseconds sum{};
  for (const Picoseconds part : path.parts) {
    EXPECT_GE(part.count(), 0);
    sum += part;
  }
  EXPECT_EQ(sum, path.total());
  Picoseconds at = path.begin;
  std::array<Picoseconds, kParts> parts{};
  for (const PathPiece& piece : path.pieces) {
    EXPECT_EQ(piece.begin, at);
    EXPECT_LT(piece.begin, piece.end);
    at = piece.end;
    parts[static_cast<std::size_t>(piece.part)] += piece.end - piece.begin;
  }
  EXPECT_EQ(at, path.end);
  EXPECT_EQ(parts, path.parts);
}

// Of tests of what times are, on paths of the code that others take, too.
constexpr const char* kAlike = "virtual times are those without sanitizers";

std::vector<Program> all_programs() {
  if (kSanitized) return {all_reduce(256), all_to_all(4096), moe_step(16, 1024)};
  return {all_reduce(256), all_reduce(1 << 20),           all_to_all(64),    all_to_all(65536),
          barrier(),       all_gather_on_a_stream(65536), moe_step(16, 1024)};
}

std::vector<const char*> fabrics() {
  if (kSanitized) return {"cloudmatrix384"};
  return {"cloudmatrix384", "cloudmatrix384-wire", "h800-ib", "gb200-nvl72"};
}

TEST(CriticalPath, ItsPartsSumToTheTotalExactly) {
  for (const Program& program : all_programs()) {
    for (const char* const fabric : fabrics()) {
      for (const ModelLevel level : {ModelLevel::kBound, ModelLevel::kMessage, ModelLevel::kCell}) {
        SCOPED_TRACE(program.name + " on " + fabric + ", level " +
                     std::to_string(static_cast<int>(level)));
        const Outcome outcome = run(program, {.fabric = fabric, .level = level}, 2);
        ASSERT_TRUE(outcome.report.all_finished());
        const RunRecord& record = *outcome.simulation->record();
        const Topology& topology = outcome.simulation->topology();
        const CriticalPaths paths(record, topology);
        const CriticalPath whole = paths.of_run(outcome.report.end);
        EXPECT_EQ(whole.begin, Picoseconds(0));
        EXPECT_EQ(whole.end, outcome.report.end);
        expect_exact(whole);
        const std::vector<CriticalPath> marked = paths.of_marks();
        ASSERT_EQ(marked.size(), 2U);
        for (const CriticalPath& path : marked) {
          EXPECT_EQ(path.name, "op");
          EXPECT_GT(path.total(), Picoseconds(0));
          expect_exact(path);
        }
        // Ranks began together, and nothing on the way was for want of knowledge.
        EXPECT_EQ(marked[0][Part::kStraggler], Picoseconds(0));
        EXPECT_EQ(marked[0][Part::kWait], Picoseconds(0));
        EXPECT_EQ(marked[0][Part::kOther], Picoseconds(0));
      }
    }
  }
}

CriticalPath path_of(const Program& program, const Conditions& conditions) {
  const Outcome outcome = run(program, conditions);
  EXPECT_TRUE(outcome.report.all_finished());
  return CriticalPaths(*outcome.simulation->record(), outcome.simulation->topology())
      .of_marks()
      .at(0);
}

// A part that is set to zero brings what the path says, within 10 %.
void expect_gain(const Program& program, const std::vector<Part>& parts_of_it,
                 const std::string& setting) {
  SCOPED_TRACE(program.name + " with " + setting);
  const CriticalPath before = path_of(program, {});
  const CriticalPath after = path_of(program, {.settings = {setting}});
  Picoseconds predicted{};
  Picoseconds left{};
  for (const Part part : parts_of_it) {
    predicted += before[part];
    left += after[part];
  }
  const Picoseconds gain = before.total() - after.total();
  std::string parts;
  for (std::size_t i = 0; i < kParts; ++i) {
    parts += std::string(name_of(static_cast<Part>(i))) + " " +
             std::to_string(before.parts[i].count()) + " -> " +
             std::to_string(after.parts[i].count()) + ", ";
  }
  SCOPED_TRACE(parts);
  EXPECT_GT(predicted, before.total() / 100) << "nothing to gain";
  EXPECT_LE(left, predicted / 100);  // counting itself is not free
  EXPECT_NEAR(static_cast<double>(gain.count()), static_cast<double>(predicted.count()),
              0.1 * static_cast<double>(predicted.count()));
}

TEST(CriticalPath, APartThatIsSetToZeroBringsWhatItPredicts) {
  if (kSanitized) GTEST_SKIP() << kAlike;
  for (const Program& program :
       {all_reduce(256), all_reduce(1 << 20), all_to_all(4096), moe_step(16, 1024)}) {
    expect_gain(program, {Part::kEntry}, "operator_entry_ns=0");
  }
  // The stages of a prefix sum of counts end with such a meeting, too.
  for (const Program& program : {all_reduce(1 << 20), moe_step(16, 1024)}) {
    expect_gain(program, {Part::kSync, Part::kCounts}, "core_sync_ns=0");
  }
  expect_gain(moe_step(256, 64), {Part::kIssue}, "row_issue_ns=0");
}

// Rank 3 comes 40 us late.
TEST(CriticalPath, WhoComesLateIsAWaitForAStraggler) {
  const Program late{"late", [](tuttiComm_t comm, int rank, int) {
                       Simulation& simulation = *Simulation::current();
                       simulation.end_mark();
                       if (rank == 3) simulation.compute(std::chrono::microseconds(40));
                       simulation.begin_mark("late");
                       check(tuttiBarrier(comm, nullptr));
                     }};
  const Outcome outcome = run(late, {});
  const CriticalPaths found(*outcome.simulation->record(), outcome.simulation->topology());
  const std::vector<CriticalPath> paths = found.of_marks();
  const auto named = [](const CriticalPath& path) { return path.name == "late"; };
  const CriticalPath& path = *std::find_if(paths.rbegin(), paths.rend(), named);
  expect_exact(path);
  EXPECT_EQ(path[Part::kStraggler], std::chrono::microseconds(40));
  EXPECT_EQ(path[Part::kCompute], Picoseconds(0));
  // For the run as a whole it is that rank's computing.
  const CriticalPath whole = found.of_run(outcome.report.end);
  EXPECT_EQ(whole[Part::kStraggler], Picoseconds(0));
  EXPECT_GE(whole[Part::kCompute], std::chrono::microseconds(40));
}

}  // namespace
}  // namespace tutti::ub::test
