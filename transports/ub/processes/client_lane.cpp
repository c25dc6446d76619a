#include "transports/ub/processes/client_lane.hpp"

#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "transports/ub/processes/turn.hpp"

namespace tutti::ub {

namespace {
// Whoever ends the simulation ends this process too: nothing has to be looked after meanwhile.
constexpr Nanoseconds kLong = std::chrono::hours(1);
// A few microseconds: most answers come at once, or much later.
constexpr int kLooks = 40;
}  // namespace

void ClientLane::append(wire::Op op, std::span<const std::byte> body,
                        std::span<const std::byte> more) {
  if (!fits(body.size(), more.size())) {
    fail(tuttiInternalError, "a command of {} bytes to the simulation, which takes {}",
         body.size() + more.size(), wire::kCommandBytes);
  }
  if (late_.has_value()) throw Error(*std::exchange(late_, std::nullopt));
  if (!fits(body.size(), more.size() + lane_.used)) hand_over();
  write(op, body, more);
}

void ClientLane::write(wire::Op op, std::span<const std::byte> body,
                       std::span<const std::byte> more) noexcept {
  std::byte* const at = lane_.commands + lane_.used;
  const std::size_t bytes = (sizeof(wire::Command) + body.size() + more.size() + 7) / 8 * 8;
  const wire::Command command{.op = op, .bytes = static_cast<std::uint32_t>(bytes)};
  std::memcpy(at, &command, sizeof(command));
  if (!body.empty()) std::memcpy(at + sizeof(command), body.data(), body.size());
  if (!more.empty()) std::memcpy(at + sizeof(command) + body.size(), more.data(), more.size());
  lane_.used += static_cast<std::uint32_t>(bytes);
}

void ClientLane::settle() noexcept {
  if (lane_.used == 0) return;
  try {
    hand_over();
  } catch (const Error& error) {
    if (!late_.has_value()) late_.emplace(error);
  }
}

void ClientLane::await_turn() noexcept {
  if (wire::look_for_turn(lane_, wire::kOfProcess, kLooks)) return;
  while (!wire::has_turn(lane_, wire::kOfProcess)) {
    wire::sleep_for_turn(lane_, wire::kOfProcess, kLong);
  }
}

void ClientLane::hand_over() {
  const int before = errno;
  wire::give_turn(lane_, wire::kOfSimulation);
  await_turn();
  errno = before;
  if (lane_.code != tuttiSuccess) throw error();
}

void ClientLane::finish() noexcept {
  write(wire::Op::kFinish, {}, {});  // has room: see append()
  wire::give_turn(lane_, wire::kOfSimulation);
}

Error ClientLane::error() const {
  wire::FailureHead head{};
  std::memcpy(&head, lane_.reply, sizeof(head));
  std::vector<int> culprits(head.culprits);
  const std::byte* const at = lane_.reply + sizeof(head);
  if (!culprits.empty()) std::memcpy(culprits.data(), at, culprits.size() * sizeof(int));
  const std::string text(reinterpret_cast<const char*>(at + culprits.size() * sizeof(int)),
                         head.text_bytes);
  return Error(static_cast<tuttiResult_t>(lane_.code), text, std::move(culprits));
}

}  // namespace tutti::ub
