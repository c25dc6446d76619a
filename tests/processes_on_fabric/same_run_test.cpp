// The same calls by processes and by fibres: the same times, bytes and results.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/launcher/launched.hpp"

namespace tutti::test {

namespace {

struct Outcome {
  int exit_code = -1;
  std::string errors;

  // What stands behind `name` in the run's report.
  std::string fact(const std::string& name) const {
    for (const std::string& line : lines_of(errors)) {
      if (line.rfind("# " + name, 0) == 0) return line.substr(line.find(':') + 1);
    }
    return "no " + name;
  }
};

Outcome by_processes(const std::string& fabric, int ranks, const std::vector<std::string>& work,
                     const std::vector<std::string>& options = {}) {
  std::vector<std::string> arguments{"--fabric", fabric, "-n", std::to_string(ranks)};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.emplace_back(FABRIC_PROGRAM);
  arguments.insert(arguments.end(), work.begin(), work.end());
  Launched launched(arguments);
  Outcome run{.exit_code = launched.exit_code()};
  run.errors = launched.errors();
  return run;
}

Outcome by_fibres(const std::string& fabric, int ranks, const std::vector<std::string>& work,
                  const std::vector<std::string>& options = {}) {
  std::string command =
      std::string(FABRIC_PROGRAM) + " fibres " + fabric + " " + std::to_string(ranks);
  for (const std::string& word : options) command += " " + word;
  for (const std::string& word : work) command += " " + word;
  std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  Outcome run;
  char chunk[4096];
  while (const std::size_t got = std::fread(chunk, 1, sizeof(chunk), pipe)) {
    run.errors.append(chunk, got);
  }
  run.exit_code = ::pclose(pipe);
  return run;
}

void expect_same(const std::string& fabric, int ranks, const std::vector<std::string>& work,
                 const std::vector<std::string>& options = {}) {
  SCOPED_TRACE(fabric + ", " + work[0]);
  const Outcome processes = by_processes(fabric, ranks, work, options);
  const Outcome fibres = by_fibres(fabric, ranks, work, options);
  ASSERT_EQ(fibres.exit_code, 0) << fibres.errors;
  ASSERT_EQ(processes.exit_code, 0) << processes.errors;
  for (const char* name : {"Virtual time", "Arrivals digest", "Payload digest", "Moved"}) {
    EXPECT_EQ(processes.fact(name), fibres.fact(name)) << name;
  }
}

}  // namespace

TEST(SameRun, OfTwoRanks) {
  expect_same("cloudmatrix384", 2, {"barrier"});
  expect_same("cloudmatrix384", 2, {"all_reduce"});
}

TEST(SameRun, OfCollectivesOnEveryKindOfFabric) {
  expect_same("cloudmatrix384", 6, {"collectives"});
  expect_same("cloudmatrix384-wire", 5, {"collectives"});
  expect_same("h800-ib", 9, {"collectives"});
  expect_same("ideal", 4, {"collectives"});
}

TEST(SameRun, OfManyCommunicators) { expect_same("ideal", 3, {"splits", "50"}); }

TEST(SameRun, OfDispatchAndCombine) {
  expect_same("cloudmatrix384", 6, {"moe", "9"});
  expect_same("gb200-nvl72", 5, {"moe", "40"});
}

TEST(SameRun, OfAsManyProcessesAsTheSupernodeHasPackages) {
  expect_same("cloudmatrix384", 384, {"dispatch", "8"});
}

TEST(SameRun, OfStreams) { expect_same("cloudmatrix384", 3, {"streams"}); }

// Sizes at which a rank that knows what the bus costs chooses otherwise than one that does not.
TEST(SameRun, OfWhatCostsDecide) {
  expect_same("cloudmatrix384", 24, {"choices"});
  expect_same("cloudmatrix384-wire", 18, {"choices"});
  expect_same("h800-ib", 10, {"choices"});
}

TEST(SameRun, OfWhatCostsDecideInPartsOfACommunicator) {
  expect_same("cloudmatrix384", 34, {"choices_of_parts"});
  expect_same("h800-ib", 18, {"choices_of_parts"});
}

TEST(SameRun, OfComputation) { expect_same("cloudmatrix384", 2, {"compute"}); }

TEST(SameRun, WithoutPayload) {
  expect_same("cloudmatrix384", 4, {"payload"}, {"--timing-only"});
  expect_same("h800-ib", 10, {"payload"}, {"--timing-only"});
  expect_same("cloudmatrix384", 3, {"streams"}, {"--timing-only"});  // none in Tutti's memory
  const Outcome without = by_processes("cloudmatrix384", 4, {"payload"}, {"--timing-only"});
  const Outcome with = by_processes("cloudmatrix384", 4, {"payload"});
  ASSERT_EQ(with.exit_code, 0) << with.errors;
  for (const char* name : {"Virtual time", "Arrivals digest", "Moved"}) {
    EXPECT_EQ(without.fact(name), with.fact(name)) << name;
  }
  EXPECT_NE(without.fact("Payload digest"), with.fact("Payload digest"));
}

// What a program does is shown as it is of fibres: every call, span, transfer and arrow.
TEST(SameRun, IsShownAlike) {
  const auto text_of = [](const std::string& path) {
    std::ifstream file(path);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    std::filesystem::remove(path);
    return text;
  };
  const std::string path = testing::TempDir() + "shown_" + std::to_string(::getpid());
  for (const std::vector<std::string>& work :
       {std::vector<std::string>{"collectives"}, {"moe", "9"}, {"streams"}, {"splits", "3"}}) {
    SCOPED_TRACE(work[0]);
    const Outcome processes =
        by_processes("cloudmatrix384", 3, work, {"--trace", path + "p", "--report", path + "r"});
    const Outcome fibres = by_fibres("cloudmatrix384", 3, work, {"--trace", path + "f"});
    ASSERT_EQ(processes.exit_code, 0) << processes.errors;
    ASSERT_EQ(fibres.exit_code, 0) << fibres.errors;
    const std::string trace = text_of(path + "p"), expected = text_of(path + "f");
    EXPECT_GT(expected.size(), 10'000u);
    EXPECT_TRUE(trace == expected) << trace.size() << " bytes and " << expected.size();
    const std::string page = text_of(path + "r");
    EXPECT_EQ(work[0] == "moe", page.find("\"experts\":[[0,") != std::string::npos);
  }
}

TEST(SameRun, JitterIsAMatterOfItsSeed) {
  const auto digest = [](const std::vector<std::string>& options) {
    const Outcome run = by_processes("cloudmatrix384", 3, {"all_reduce"}, options);
    EXPECT_EQ(run.exit_code, 0) << run.errors;
    return run.fact("Arrivals digest");
  };
  const std::string plain = digest({});
  const std::string jittered = digest({"--jitter", "20"});
  EXPECT_EQ(digest({"--jitter", "0", "--jitter-seed", "3"}), plain);
  EXPECT_NE(jittered, plain);
  EXPECT_EQ(digest({"--jitter", "20", "--jitter-seed", "1"}), jittered);
  EXPECT_EQ(digest({"--set", "jitter_percent=20"}), jittered);
  EXPECT_NE(digest({"--jitter", "20", "--jitter-seed", "2"}), jittered);
}

TEST(SameRun, TwiceAndTurnsAreCounted) {
  const Outcome first = by_processes("cloudmatrix384", 4, {"all_reduce"});
  const Outcome second = by_processes("cloudmatrix384", 4, {"all_reduce"});
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_EQ(first.fact("Arrivals digest"), second.fact("Arrivals digest"));
  EXPECT_EQ(first.fact("Hand-offs"), second.fact("Hand-offs"));
  EXPECT_GT(std::stoi(first.fact("Hand-offs")), 4);
}

}  // namespace tutti::test
