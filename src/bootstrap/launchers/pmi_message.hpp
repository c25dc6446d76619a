// The lines of PMI-1, which MPICH's launcher speaks: "cmd=get_result rc=0 value=abc\n".
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tutti {

// One line, without its end: words of the form key=value, the first of them the command. Looks at
// the text that it was made of.
class PmiMessage {
 public:
  static constexpr std::size_t kMostWords = 32;

  // nullopt for text that is no such line: other words, none, or too many.
  static std::optional<PmiMessage> parse(std::string_view line);

  std::string_view command() const noexcept { return words_[0].second; }
  std::optional<std::string_view> find(std::string_view key) const noexcept;
  std::optional<int> number(std::string_view key) const noexcept;

 private:
  using Word = std::pair<std::string_view, std::string_view>;
  std::array<Word, kMostWords> words_;
  std::size_t count_ = 0;
};

// What has been read, up to the end of a line; at most kMostBytes, whatever comes.
class PmiLine {
 public:
  static constexpr std::size_t kMostBytes = 8192;

  // Where the next bytes go: never empty unless the line is too long.
  std::span<char> room() noexcept { return std::span(bytes_).subspan(filled_); }
  void filled(std::size_t bytes) noexcept;
  // The line that is whole, without its end; until drop().
  std::optional<std::string_view> line() const noexcept;
  // Forgets the line.
  void drop() noexcept;

 private:
  void find_end() noexcept;

  std::array<char, kMostBytes> bytes_;
  std::size_t filled_ = 0;
  std::size_t end_ = 0;  // of the first line, if it is less than filled_
};

}  // namespace tutti
