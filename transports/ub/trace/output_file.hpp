// A file that is written piece by piece, and says when that fails.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

namespace tutti::ub {

// Every call throws tuttiSystemError, with the file's name and the system's reason, where the file
// cannot be made or written: a full disk, too. What is there until then stays.
class OutputFile {
 public:
  explicit OutputFile(std::string path);

  template <typename... Args>
  void print(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(buffer_), format, std::forward<Args>(args)...);
    if (buffer_.size() >= kFull) write();
  }
  // All of it has reached the system. Nothing is printed after that.
  void close();

 private:
  static constexpr std::size_t kFull = std::size_t{256} << 10;
  struct Closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  void write();
  [[noreturn]] void fail_now(const char* what) const;

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
  fmt::memory_buffer buffer_;
};

}  // namespace tutti::ub
