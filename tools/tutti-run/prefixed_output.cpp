// One write per chunk of whole lines; this process is their only writer, so that lines cannot mix.
#include "prefixed_output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <string_view>
#include <utility>

namespace tutti::launcher {

namespace {

// A line that is longer is cut here, rather than kept for ever.
constexpr std::size_t kLongestLine = 1U << 20;

// Whether `target` took it; false once nobody reads there.
bool write_all(int target, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(target, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd entry{target, POLLOUT, 0};
      ::poll(&entry, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

void PrefixedOutput::add(std::string prefix, Descriptor source, int target, Report report) {
  streams_.push_back({std::move(prefix), std::move(source), target, std::move(report), {}});
}

void PrefixedOutput::append_to(std::vector<pollfd>& entries) const {
  for (const Stream& stream : streams_) {
    if (stream.source) entries.push_back({stream.source.get(), POLLIN, 0});
  }
}

void PrefixedOutput::read(std::span<const pollfd> entries) {
  auto entry = entries.begin();
  for (Stream& stream : streams_) {
    if (!stream.source) continue;
    if (entry->revents != 0) read_chunk(stream);
    ++entry;
  }
}

void PrefixedOutput::drain() {
  for (Stream& stream : streams_) {
    while (stream.source && read_chunk(stream)) {
    }
  }
}

void PrefixedOutput::finish() {
  drain();
  for (Stream& stream : streams_) {
    if (!stream.pending.empty()) print_lines(stream, stream.pending.size());
    stream.source.close();
  }
}

bool PrefixedOutput::read_chunk(Stream& stream) {
  std::array<char, 1U << 16> chunk;
  const ssize_t got = ::read(stream.source.get(), chunk.data(), chunk.size());
  if (got < 0 && errno == EINTR) return true;
  if (got < 0 && errno == EAGAIN) return false;
  if (got <= 0) {
    stream.source.close();
    return false;
  }
  stream.pending.append(chunk.data(), static_cast<std::size_t>(got));
  const auto last_end = stream.pending.rfind('\n');
  if (last_end != std::string::npos) print_lines(stream, last_end + 1);
  if (stream.pending.size() > kLongestLine) print_lines(stream, stream.pending.size());
  return true;
}

void PrefixedOutput::print_lines(Stream& stream, std::size_t bytes) {
  std::string text;
  for (std::size_t begin = 0; begin < bytes;) {
    const auto end = std::min(stream.pending.find('\n', begin), bytes);
    const auto line = std::string_view(stream.pending).substr(begin, end - begin);
    if (stream.report && line.starts_with(kReportMark)) {
      stream.report(line.substr(1));
    } else {
      fmt::format_to(std::back_inserter(text), "{}{}\n", stream.prefix, line);
    }
    begin = end + 1;
  }
  stream.pending.erase(0, bytes);
  if (!write_all(stream.target, text))
    stream.source.close();  // the rank gets SIGPIPE, as it would alone
}

}  // namespace tutti::launcher
