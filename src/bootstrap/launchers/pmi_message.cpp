#include "bootstrap/launchers/pmi_message.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tutti {

std::optional<PmiMessage> PmiMessage::parse(std::string_view line) {
  PmiMessage message;
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    if (word.empty()) continue;
    const auto equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0 || message.count_ == kMostWords) {
      return std::nullopt;
    }
    message.words_[message.count_++] = {word.substr(0, equals), word.substr(equals + 1)};
  }
  if (message.count_ == 0 || message.words_[0].first != "cmd") return std::nullopt;
  return message;
}

std::optional<std::string_view> PmiMessage::find(std::string_view key) const noexcept {
  for (std::size_t i = 1; i < count_; ++i) {
    if (words_[i].first == key) return words_[i].second;
  }
  return std::nullopt;
}

std::optional<int> PmiMessage::number(std::string_view key) const noexcept {
  const auto text = find(key);
  int number = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return number;
}

void PmiLine::filled(std::size_t bytes) noexcept {
  filled_ += bytes;
  find_end();
}

std::optional<std::string_view> PmiLine::line() const noexcept {
  if (end_ == filled_) return std::nullopt;
  return std::string_view(bytes_.data(), end_);
}

void PmiLine::drop() noexcept {
  filled_ -= end_ + 1;
  std::memmove(bytes_.data(), bytes_.data() + end_ + 1, filled_);
  end_ = 0;
  find_end();
}

// Looks at no byte twice, however small the pieces are in which they come.
void PmiLine::find_end() noexcept {
  while (end_ < filled_ && bytes_[end_] != '\n') ++end_;
}

}  // namespace tutti
