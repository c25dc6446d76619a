#include "launched.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace tutti::test {

namespace {

std::string read_all(int fd) {
  std::string text;
  char chunk[4096];
  for (ssize_t got = 0; (got = ::read(fd, chunk, sizeof(chunk))) > 0;) {
    text.append(chunk, static_cast<std::size_t>(got));
  }
  ::close(fd);
  return text;
}

}  // namespace

Launched::Launched(std::vector<std::string> arguments, const std::string& input) {
  std::string program = TUTTI_RUN;
  std::vector<char*> argv{program.data()};
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int in[2], out[2], err[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe2");
  }
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    ::execv(TUTTI_RUN, argv.data());
    ::_exit(99);
  }
  for (const int end : {in[0], out[1], err[1]}) ::close(end);
  if (::write(in[1], input.data(), input.size()) < 0) throw std::runtime_error("write");
  ::close(in[1]);
  output_reader_ = std::thread([this, fd = out[0]] { output_ = read_all(fd); });
  errors_reader_ = std::thread([this, fd = err[0]] { errors_ = read_all(fd); });
}

Launched::~Launched() {
  if (!ended_) {
    ::kill(pid_, SIGTERM);
    exit_code();
  }
}

int Launched::exit_code() {
  if (ended_) return exit_code_;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  output_reader_.join();
  errors_reader_.join();
  ended_ = true;
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return exit_code_;
}

std::vector<pid_t> processes_with(const std::string& mark) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);  // empty for a zombie
    const std::string command((std::istreambuf_iterator<char>(file)),
                              std::istreambuf_iterator<char>());
    if (command.find(mark) != std::string::npos) found.push_back(std::atoi(name.c_str()));
  }
  return found;
}

bool await_processes(const std::string& mark, std::size_t count) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (processes_with(mark).size() != count) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

std::string make_mark() {
  static std::atomic<int> next{0};
  return "mark-" + std::to_string(::getpid()) + "-" + std::to_string(next++) + "-";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace tutti::test
