#include "bootstrap/launchers/pmi_session.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/process.hpp"

namespace tutti {

namespace {

constexpr std::size_t kShortestValue = 16;  // a launcher that takes less is broken
constexpr std::chrono::milliseconds kTimeForGoodbye{500};

// Readable, or closed, before the deadline.
bool await_input(int descriptor, PmiSession::Deadline deadline) {
  using std::chrono::milliseconds;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{descriptor, POLLIN, 0};
    const auto wait = std::clamp(left, milliseconds{0}, milliseconds{60'000});
    const int ready = ::poll(&entry, 1, static_cast<int>(wait.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // the read says why
    if (left <= milliseconds{0}) return false;
  }
}

std::string key_of_piece(const std::string& key, std::size_t piece) {
  return fmt::format("{}.{}", key, piece);
}

}  // namespace

PmiSession::PmiSession(int descriptor, Deadline deadline)
    : descriptor_(descriptor), generation_(process_generation()) {
  ask("cmd=init pmi_version=1 pmi_subversion=1\n", "response_to_init", deadline);
  const PmiMessage maxes = ask("cmd=get_maxes\n", "maxes", deadline);
  const int most = maxes.number("vallen_max").value_or(0);
  if (most <= static_cast<int>(kShortestValue)) {
    give_up(tuttiRemoteError, fmt::format("it takes values of {} bytes", most));
  }
  value_bytes_ = static_cast<std::size_t>(most) - 1;  // most counts a terminating zero
  const PmiMessage space = ask("cmd=get_my_kvsname\n", "my_kvsname", deadline);
  space_ = space.find("kvsname").value_or("");
  if (space_.empty()) give_up(tuttiRemoteError, "it does not say the name of its values");
}

PmiSession::~PmiSession() {
  if (over_ || generation_ != process_generation()) return;
  try {
    ask("cmd=finalize\n", "finalize_ack", std::chrono::steady_clock::now() + kTimeForGoodbye);
  } catch (const std::exception&) {
    // The launcher is gone already, and this process ends.
  }
}

void PmiSession::put(const std::string& key, std::string_view value, Deadline deadline) {
  for (std::size_t piece = 0; !value.empty(); ++piece) {
    const std::string_view part = value.substr(0, value_bytes_);
    ask(fmt::format("cmd=put kvsname={} key={} value={}\n", space_, key_of_piece(key, piece), part),
        "put_result", deadline);
    value.remove_prefix(part.size());
  }
}

void PmiSession::barrier(Deadline deadline) { ask("cmd=barrier_in\n", "barrier_out", deadline); }

std::string PmiSession::get(const std::string& key, std::size_t bytes, Deadline deadline) {
  std::string value;
  for (std::size_t piece = 0; value.size() < bytes; ++piece) {
    const PmiMessage answer =
        ask(fmt::format("cmd=get kvsname={} key={}\n", space_, key_of_piece(key, piece)),
            "get_result", deadline);
    const auto part = answer.find("value").value_or("");
    if (part.empty() || part.size() > bytes - value.size()) {
      give_up(tuttiRemoteError, fmt::format("its value of '{}' is damaged", key));
    }
    value += part;
  }
  return value;
}

PmiMessage PmiSession::ask(std::string_view request, std::string_view answer, Deadline deadline) {
  if (over_) {
    fail(tuttiRemoteError, "PMI: the conversation with the launcher has failed before");
  }
  if (generation_ != process_generation()) {
    fail(tuttiInvalidUsage,
         "PMI: a child forked from a process of a PMI launcher is no process of the launcher");
  }
  send(request);
  const PmiMessage message = receive(request, deadline);
  if (message.command() != answer) {
    give_up(tuttiRemoteError,
            fmt::format("it answers '{}' where '{}' was expected", message.command(), answer));
  }
  if (message.number("rc").value_or(0) != 0) {
    give_up(tuttiRemoteError,
            fmt::format("{}: {} (rc={})", answer, message.find("msg").value_or("it refuses"),
                        message.find("rc").value_or("?")));
  }
  return message;
}

void PmiSession::send(std::string_view line) {
  while (!line.empty()) {
    ssize_t sent = ::send(descriptor_, line.data(), line.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == ENOTSOCK) sent = ::write(descriptor_, line.data(), line.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) give_up(tuttiRemoteError, fmt::format("writing: {}", std::strerror(errno)));
    line.remove_prefix(static_cast<std::size_t>(sent));
  }
}

PmiMessage PmiSession::receive(std::string_view request, Deadline deadline) {
  if (answered_) input_.drop();
  answered_ = false;
  while (!input_.line()) {
    if (!await_input(descriptor_, deadline)) {
      give_up(tuttiTimeout, fmt::format("no answer to '{}' before the deadline",
                                        request.substr(0, request.find_first_of(" \n"))));
    }
    const std::span<char> room = input_.room();
    if (room.empty()) give_up(tuttiRemoteError, "it sends a line without an end");
    const ssize_t got = ::read(descriptor_, room.data(), room.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) give_up(tuttiRemoteError, fmt::format("reading: {}", std::strerror(errno)));
    if (got == 0) give_up(tuttiRemoteError, "it has closed the conversation");
    input_.filled(static_cast<std::size_t>(got));
  }
  answered_ = true;
  const auto message = PmiMessage::parse(*input_.line());
  if (!message) give_up(tuttiRemoteError, "it sends something that is not PMI-1");
  return *message;
}

void PmiSession::give_up(tuttiResult_t code, std::string text) {
  over_ = true;
  fail(code, "PMI: the launcher at descriptor {} (PMI_FD): {}", descriptor_, text);
}

}  // namespace tutti
