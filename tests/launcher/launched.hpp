// A tutti-run under test.
#pragma once

#include <sys/types.h>

#include <string>
#include <thread>
#include <vector>

namespace tutti::test {

class Launched {
 public:
  // Starts tutti-run with these arguments; its output is collected.
  explicit Launched(std::vector<std::string> arguments, const std::string& input = "");
  ~Launched();
  Launched(const Launched&) = delete;
  Launched& operator=(const Launched&) = delete;

  pid_t pid() const { return pid_; }
  // Its exit code, 128 + n for signal n. Waits.
  int exit_code();
  // What it printed; after exit_code().
  const std::string& output() const { return output_; }
  const std::string& errors() const { return errors_; }

 private:
  pid_t pid_ = -1;
  int exit_code_ = -1;
  bool ended_ = false;
  std::string output_, errors_;
  std::thread output_reader_, errors_reader_;
};

// Processes whose command line holds `mark`; zombies do not count.
std::vector<pid_t> processes_with(const std::string& mark);
// Waits until exactly `count` processes hold the mark; whether that came true.
bool await_processes(const std::string& mark, std::size_t count);
// A word that no other process has in its command line.
std::string make_mark();

std::vector<std::string> lines_of(const std::string& text);

}  // namespace tutti::test
