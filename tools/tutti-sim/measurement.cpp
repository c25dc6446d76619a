#include "measurement.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/descriptor.hpp"
#include "base/error.hpp"

namespace tutti::sim {

namespace {

// Where the child writes its report, its table going nowhere.
constexpr int kReportDescriptor = 3;
constexpr const char* kReportPath = "/dev/fd/3";

struct Ended {
  int status;
  std::string output;
};

std::string read_all(int descriptor) {
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(descriptor, buffer, sizeof(buffer));
    if (got == 0) return text;
    if (got > 0) {
      text.append(buffer, static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      fail_system("what tutti-perf writes");
    }
  }
}

Ended run(const std::string& program, std::vector<std::string> words) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail_system("a pipe to tutti-perf");
  const Descriptor out(ends[0]);
  Descriptor in(ends[1]);
  words.insert(words.begin(), program);
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], kReportDescriptor);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    fail(tuttiSystemError, "{} cannot be run: {}", program, std::generic_category().message(error));
  }
  in.close();
  Ended ended{.status = 0, .output = read_all(ends[0])};
  while (::waitpid(child, &ended.status, 0) < 0) {
    if (errno != EINTR) fail_system("the end of tutti-perf");
  }
  return ended;
}

std::string what_of(const nlohmann::json& row, const std::string& op) {
  const auto given = [&](const char* field) {
    return row.contains(field) && row[field].is_string();
  };
  std::string what = given("op") ? row["op"].get<std::string>() : op;
  if (given("phase")) what += fmt::format(" {}", row["phase"].get<std::string>());
  what += fmt::format(" {} B", row["bytes"].get<std::uint64_t>());
  return given("placement") && row["placement"] == "in" ? what + " in place" : what;
}

}  // namespace

std::vector<MeasuredRow> measure(const std::vector<std::string>& arguments) {
  const std::string program =
      (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "tutti-perf").string();
  std::vector<std::string> words = arguments;
  words.insert(words.end(), {"-J", kReportPath});
  const Ended ended = run(program, words);
  const nlohmann::json report = nlohmann::json::parse(ended.output, nullptr, false);
  if (report.is_object() && report.contains("error") && report["error"].is_object()) {
    fail(tuttiInvalidArgument, "{}", report["error"]["message"].get<std::string>());
  }
  if (!WIFEXITED(ended.status) || WEXITSTATUS(ended.status) != 0 || !report.is_object()) {
    fail(tuttiInvalidArgument, "tutti-perf {}",
         WIFSIGNALED(ended.status) ? fmt::format("was killed by signal {}", WTERMSIG(ended.status))
                                   : fmt::format("ended with {}", WEXITSTATUS(ended.status)));
  }
  std::vector<MeasuredRow> rows;
  for (const nlohmann::json& row : report["rows"]) {
    rows.push_back({.what = what_of(row, report["op"]),
                    .mean_us = row["time_us"]["rank_mean"],
                    .max_us = row["time_us"]["p50"]});
  }
  return rows;
}

}  // namespace tutti::sim
