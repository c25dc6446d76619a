// The small-message path makes no system call: what strace sees between the marks of quiet_ranks. A
// rank that waits long gives its core away or sleeps, which depends on the machine: those calls are
// judged only when waiting spins for as long as it takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "tests/support/thread_world.hpp"

namespace tutti::test {

namespace {

constexpr int kCalls = 2000;

// By name; of the threads that set the marks, between them.
using Counts = std::map<std::string, int>;

// Lines of `strace -f -o`: "PID NAME(...", or "PID <... NAME resumed>" for the rest of a call.
Counts count_between_marks(const std::string& path) {
  std::ifstream trace(path);
  std::set<std::string> counting;
  Counts counts;
  int marks = 0;
  for (std::string line; std::getline(trace, line);) {
    const auto blank = line.find(' ');
    const auto name_at = line.find_first_not_of(' ', blank);
    const auto bracket = line.find('(', blank);
    if (bracket == std::string::npos || name_at == std::string::npos || line[name_at] == '<' ||
        line[name_at] == '-' || line[name_at] == '+') {
      continue;
    }
    const std::string pid = line.substr(0, blank);
    const std::string name = line.substr(name_at, bracket - name_at);
    if (name == "write" && line.find("(-1, \"begin\"") != std::string::npos) {
      counting.insert(pid);
      ++marks;
    } else if (name == "write" && line.find("(-1, \"ended\"") != std::string::npos) {
      counting.erase(pid);
      ++marks;
    } else if (counting.count(pid) != 0) {
      ++counts[name];
    }
  }
  EXPECT_EQ(marks, 4) << "two ranks begin and end";
  return counts;
}

std::string text_of(const Counts& counts) {
  std::string text;
  for (const auto& [name, count] : counts) text += name + ": " + std::to_string(count) + "  ";
  return text;
}

class QuietSystemCalls : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string path = scratch("probe");
    const bool traces =
        std::system(("LC_ALL=C strace -f -o /dev/null true > " + path + " 2>&1").c_str()) == 0;
    std::ostringstream said;
    said << std::ifstream(path).rdbuf();
    ::unlink(path.c_str());
    if (traces) return;
    ASSERT_THAT(said.str(), testing::HasSubstr("Operation not permitted"))
        << "strace does not work; ./dev deps installs it";
    GTEST_SKIP() << "ptrace is refused here: " << said.str();
  }

  // Without reads of the clock, which are calls only where the kernel's vdso cannot answer them.
  Counts trace() {
    const std::string path = scratch("trace");
    const std::string command = "strace -f -qq -o " + path + " " QUIET_RANKS " " + GetParam() +
                                " " + std::to_string(kCalls);
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    Counts counts = count_between_marks(path);
    ::unlink(path.c_str());
    for (const char* clock : {"clock_gettime", "gettimeofday"}) counts.erase(clock);
    return counts;
  }

 private:
  static std::string scratch(const std::string& what) {
    return testing::TempDir() + "tutti-quiet-" + what + "-" + std::to_string(::getpid());
  }
};

}  // namespace

TEST_P(QuietSystemCalls, OnlyWaitingMakesSystemCalls) {
  Counts counts = trace();
  for (const char* waiting : {"futex", "sched_yield", "membarrier"}) counts.erase(waiting);
  EXPECT_TRUE(counts.empty()) << text_of(counts);
}

TEST_P(QuietSystemCalls, RanksThatSpinMakeNone) {
  if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) {
    GTEST_SKIP() << "ranks that share one core give it away instead of spinning";
  }
  const ScopedVariable spin("TUTTI_SPIN_US", "2000000");
  const Counts counts = trace();
  EXPECT_TRUE(counts.empty()) << text_of(counts);
}

INSTANTIATE_TEST_SUITE_P(Calls, QuietSystemCalls,
                         testing::Values("all_reduce_8", "all_reduce_4096", "all_to_all_8",
                                         "all_to_all_4096", "barrier", "moe"));

}  // namespace tutti::test
