#include "job.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>

#include "base/error.hpp"

namespace tutti::launcher {

namespace {

constexpr std::string_view kGreeting = "tutti-run job ";
constexpr std::size_t kMostBytes = 64U << 20;

class Texts {
 public:
  explicit Texts(std::string_view bytes) : bytes_(bytes) {}

  std::string next() {
    const auto end = bytes_.find('\0');
    if (end == std::string_view::npos) refuse();
    std::string text(bytes_.substr(0, end));
    bytes_.remove_prefix(end + 1);
    return text;
  }
  int number() {
    const std::string text = next();
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 0) refuse();
    return number;
  }
  std::vector<std::string> list() {
    std::vector<std::string> list;
    for (int left = number(); left > 0; --left) list.push_back(next());
    return list;
  }
  bool empty() const noexcept { return bytes_.empty(); }
  [[noreturn]] static void refuse() {
    fail(tuttiRemoteError, "what comes on standard input is no job of this version of tutti-run");
  }

 private:
  std::string_view bytes_;
};

void read_exactly(int descriptor, char* to, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = ::read(descriptor, to, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_system("reading the job");
    if (got == 0) fail(tuttiRemoteError, "standard input ends before the job does");
    to += got;
    bytes -= static_cast<std::size_t>(got);
  }
}

}  // namespace

std::string encode_job(const Job& job) {
  std::string body;
  const auto add = [&](std::string_view text) {
    body += text;
    body += '\0';
  };
  const auto add_list = [&](const std::vector<std::string>& list) {
    add(std::to_string(list.size()));
    for (const std::string& each : list) add(each);
  };
  add(job.directory);
  add(job.unique_id);
  for (const int number : {job.ranks, job.first_rank, job.local_ranks, job.prefix ? 1 : 0,
                           static_cast<int>(job.binding)}) {
    add(std::to_string(number));
  }
  add_list(job.command);
  add_list(job.environment);
  return fmt::format("{}{}\n{}", kGreeting, body.size(), body);
}

Job read_job(int descriptor) {
  std::string line;
  for (char c = 0; c != '\n';) {
    read_exactly(descriptor, &c, 1);
    line += c;
    if (line.size() > kGreeting.size() + 20) Texts::refuse();
  }
  if (!line.starts_with(kGreeting)) Texts::refuse();
  std::size_t bytes = 0;
  const char* const end = line.data() + line.size() - 1;
  const auto parsed = std::from_chars(line.data() + kGreeting.size(), end, bytes);
  if (parsed.ec != std::errc{} || parsed.ptr != end || bytes > kMostBytes) Texts::refuse();
  std::string body(bytes, '\0');
  read_exactly(descriptor, body.data(), body.size());

  Texts texts(body);
  Job job;
  job.directory = texts.next();
  job.unique_id = texts.next();
  job.ranks = texts.number();
  job.first_rank = texts.number();
  job.local_ranks = texts.number();
  job.prefix = texts.number() != 0;
  const int binding = texts.number();
  if (binding > static_cast<int>(Binding::kCore)) Texts::refuse();
  job.binding = static_cast<Binding>(binding);
  job.command = texts.list();
  job.environment = texts.list();
  const bool possible = job.local_ranks > 0 && job.first_rank <= job.ranks - job.local_ranks;
  if (!texts.empty() || job.command.empty() || !possible) Texts::refuse();
  return job;
}

}  // namespace tutti::launcher
