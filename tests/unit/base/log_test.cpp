#include "base/log.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "base/log_environment.hpp"
#include "scoped_variable.hpp"

namespace tutti {
namespace {

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

class Log : public testing::Test {
 protected:
  void configure(const char* level, const char* subsystems, const char* file_suffix = "") {
    level_.emplace("TUTTI_DEBUG", level);
    subsystems_.emplace("TUTTI_DEBUG_SUBSYS", subsystems);
    file_.emplace("TUTTI_DEBUG_FILE", (path_ + file_suffix).c_str());
    reread_log_environment();
  }
  void TearDown() override {
    file_.reset();
    subsystems_.reset();
    level_.reset();
    reread_log_environment();
    std::filesystem::remove(path_);
  }

  std::string path_ = testing::TempDir() + "tutti_log_" + std::to_string(getpid());
  std::optional<ScopedVariable> level_, subsystems_, file_;
};

TEST_F(Log, ALineNamesHostProcessThreadRankAndLevel) {
  configure("INFO", nullptr);
  {
    LogRank rank(12);
    TUTTI_INFO(kShm, "window of {} bytes", 4096);
  }
  TUTTI_WARN(kNet, "no rank here");
  const auto lines = lines_of(path_);
  ASSERT_EQ(lines.size(), 2u);
  const std::string who =
      host_name() + ":" + std::to_string(getpid()) + ":" + std::to_string(gettid());
  EXPECT_EQ(lines[0], who + " [12] TUTTI INFO window of 4096 bytes");
  EXPECT_EQ(lines[1], who + " [-] TUTTI WARN no rank here");
}

TEST_F(Log, ByDefaultOnlyWarningsAppear) {
  configure(nullptr, nullptr);
  TUTTI_TRACE(kColl, "trace");
  TUTTI_INFO(kColl, "info");
  TUTTI_WARN(kColl, "warning");
  const auto lines = lines_of(path_);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].ends_with("TUTTI WARN warning"));
}

TEST_F(Log, ALineThatIsOffDoesNotEvaluateItsArguments) {
  configure("WARN", nullptr);
  int evaluated = 0;
  TUTTI_WARN(kInit, "reads the environment");
  TUTTI_INFO(kInit, "{}", ++evaluated);
  EXPECT_EQ(evaluated, 0);
  TUTTI_WARN(kInit, "{}", ++evaluated);
  EXPECT_EQ(evaluated, 1);
}

TEST_F(Log, NoneSilencesWarnings) {
  configure("NONE", nullptr);
  TUTTI_WARN(kInit, "warning");
  EXPECT_TRUE(lines_of(path_).empty());
}

TEST_F(Log, SubsystemsAreNamedOrExcluded) {
  configure("trace", "coll,MOE");
  EXPECT_TRUE(log_wanted(LogLevel::kTrace, Subsystem::kColl));
  EXPECT_TRUE(log_wanted(LogLevel::kInfo, Subsystem::kMoe));
  EXPECT_FALSE(log_wanted(LogLevel::kInfo, Subsystem::kShm));
  EXPECT_TRUE(log_wanted(LogLevel::kWarn, Subsystem::kShm));
  configure("INFO", "^COLL,MOE");
  EXPECT_FALSE(log_wanted(LogLevel::kInfo, Subsystem::kColl));
  EXPECT_FALSE(log_wanted(LogLevel::kInfo, Subsystem::kMoe));
  EXPECT_TRUE(log_wanted(LogLevel::kInfo, Subsystem::kShm));
  configure("INFO", "ALL");
  EXPECT_TRUE(log_wanted(LogLevel::kInfo, Subsystem::kCall));
}

TEST_F(Log, AnUnknownValueIsOneWarningThatNamesVariableAndValue) {
  configure("VERBOSE", "COLL,NONSENSE");
  TUTTI_WARN(kInit, "a");
  TUTTI_WARN(kInit, "b");
  const auto lines = lines_of(path_);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_NE(lines[0].find("TUTTI_DEBUG=\"VERBOSE\""), std::string::npos);
  EXPECT_NE(lines[1].find("TUTTI_DEBUG_SUBSYS=\"COLL,NONSENSE\""), std::string::npos);
  EXPECT_NE(lines[1].find("\"NONSENSE\""), std::string::npos);
}

TEST_F(Log, TheFileNameMayHoldHostAndProcess) {
  EXPECT_EQ(expand_log_file("/tmp/%h.%p.%%.%x"),
            "/tmp/" + host_name() + "." + std::to_string(getpid()) + ".%.%x");
}

TEST_F(Log, AForkedChildLogsToItsOwnFile) {
  configure("WARN", nullptr, ".%p");
  TUTTI_WARN(kInit, "parent");
  const pid_t child = fork();
  if (child == 0) {
    TUTTI_WARN(kInit, "child");
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  for (const auto& [pid, text] : {std::pair{getpid(), "parent"}, std::pair{child, "child"}}) {
    const std::string path = path_ + "." + std::to_string(pid);
    const auto lines = lines_of(path);
    ASSERT_EQ(lines.size(), 1u) << path;
    EXPECT_TRUE(lines[0].ends_with(text)) << lines[0];
    EXPECT_NE(lines[0].find(":" + std::to_string(pid) + ":"), std::string::npos) << lines[0];
    std::filesystem::remove(path);
  }
}

TEST_F(Log, LinesOfSeveralThreadsDoNotMix) {
  configure("INFO", nullptr);
  constexpr int kThreads = 4;
  constexpr int kLinesEach = 200;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([t] {
      LogRank rank(t);
      for (int i = 0; i < kLinesEach; ++i) TUTTI_INFO(kColl, "thread {} line {}", t, i);
    });
  for (auto& thread : threads) thread.join();
  std::set<std::string> texts;
  for (const std::string& line : lines_of(path_)) {
    const std::size_t at = line.find(" TUTTI INFO thread ");
    ASSERT_NE(at, std::string::npos) << line;
    const std::string text = line.substr(at + 12);
    EXPECT_EQ(line[at - 2], text[7]) << line;
    texts.insert(text);
  }
  EXPECT_EQ(texts.size(), static_cast<std::size_t>(kThreads * kLinesEach));
}

}  // namespace
}  // namespace tutti
