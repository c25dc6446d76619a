#include "diagnose/failure_text.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/log_environment.hpp"

namespace tutti {
namespace {

constexpr std::string_view kFactsMark = " | ";

const char* clause_of(FailureReason reason) {
  switch (reason) {
    case FailureReason::kDead:
      return "died (dead)";
    case FailureReason::kLeft:
      return "left the communicator (left)";
    case FailureReason::kStalled:
      return "did not arrive before the deadline (stalled)";
    case FailureReason::kMismatched:
      return "called another operation (mismatched)";
    case FailureReason::kUnreachable:
      return "cannot be reached (unreachable)";
    case FailureReason::kResource:
      return "ran out of a resource (resource)";
    case FailureReason::kProtocol:
      return "broke the protocol (protocol)";
  }
  return "failed";
}

// "AllReduce(...), sequence 7 on "world"", with what is known of it.
std::string subject_of(const Failure& failure) {
  std::string text = failure.operation;
  if (failure.sequence)
    text += fmt::format("{}sequence {}", text.empty() ? "" : ", ", *failure.sequence);
  if (!failure.communicator.empty())
    text += fmt::format("{}on \"{}\"", text.empty() ? "" : " ", failure.communicator);
  return text;
}

}  // namespace

Error error_of(const Failure& failure) {
  std::vector<int> culprits = failure.culprits;
  std::sort(culprits.begin(), culprits.end());
  culprits.erase(std::unique(culprits.begin(), culprits.end()), culprits.end());
  std::string text = fmt::format("{}: ", name_of(failure.code));
  if (const std::string subject = subject_of(failure); !subject.empty())
    text += fmt::format("{}: ", subject);
  text += fmt::format("{} {}", culprits.empty() ? "a rank" : rank_list(culprits),
                      clause_of(failure.reason));
  if (!failure.detail.empty()) text += fmt::format(", {}", failure.detail);
  if (!failure.transport.empty()) text += fmt::format(", transport {}", failure.transport);
  return Error(failure.code, text, std::move(culprits));
}

std::string with_local_facts(std::string_view message, std::optional<Nanoseconds> waited) {
  std::string text(message);
  if (text.find(kFactsMark) != std::string::npos) return text;
  text += kFactsMark;
  if (waited)
    text += fmt::format("waited {} ms, ",
                        std::chrono::duration_cast<std::chrono::milliseconds>(*waited).count());
  return text + fmt::format("host {}, pid {}", host_name(), getpid());
}

std::string rank_list(std::vector<int> ranks) {
  std::sort(ranks.begin(), ranks.end());
  std::string text;
  for (std::size_t i = 0; i < ranks.size();) {
    std::size_t last = i;
    while (last + 1 < ranks.size() && ranks[last + 1] == ranks[last] + 1) ++last;
    if (last < i + 2) last = i;  // two neighbours are listed, three and more are a run
    text += fmt::format("{}{}", text.empty() ? "" : ", ", ranks[i]);
    if (last > i) text += fmt::format("-{}", ranks[last]);
    i = last + 1;
  }
  return fmt::format("{} {}", ranks.size() == 1 ? "rank" : "ranks", text);
}

const char* name_of(tuttiResult_t code) noexcept {
  switch (code) {
    case tuttiSuccess:
      return "tuttiSuccess";
    case tuttiUnhandledDeviceError:
      return "tuttiUnhandledDeviceError";
    case tuttiSystemError:
      return "tuttiSystemError";
    case tuttiInternalError:
      return "tuttiInternalError";
    case tuttiInvalidArgument:
      return "tuttiInvalidArgument";
    case tuttiInvalidUsage:
      return "tuttiInvalidUsage";
    case tuttiRemoteError:
      return "tuttiRemoteError";
    case tuttiInProgress:
      return "tuttiInProgress";
    case tuttiTimeout:
      return "tuttiTimeout";
    case tuttiMismatch:
      return "tuttiMismatch";
    case tuttiPeerFailed:
      return "tuttiPeerFailed";
    case tuttiCapacityExceeded:
      return "tuttiCapacityExceeded";
    case tuttiStale:
      return "tuttiStale";
    case tuttiAborted:
      return "tuttiAborted";
  }
  return "an unknown code";
}

}  // namespace tutti
