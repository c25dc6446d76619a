// A thread's side of its lane to the simulation.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <tutti/error.hpp>
#include <type_traits>

#include "transports/ub/processes/wire.hpp"

namespace tutti::ub {

// Used by one thread, whose lane it is.
class ClientLane {
 public:
  ClientLane(wire::Process& process, wire::Lane& lane) noexcept : process_(process), lane_(lane) {}

  // To be carried out before whatever this thread notices next. With streams beside this one that
  // is now: they may notice what this thread does not.
  template <typename Body>
  void queue(const Body& body, std::span<const std::byte> more = {}) {
    append(Body::kOp, bytes_of(body), more);
    if (process_.live.load(std::memory_order_relaxed) > 1) hand_over();
  }

  // As queue(), where an exception is not wanted: an error of what had been queued comes out of the
  // next call(). It has to fit.
  template <typename Body>
  void tell(const Body& body, std::span<const std::byte> more = {}) noexcept {
    const std::span<const std::byte> bytes = bytes_of(body);
    if (!fits(bytes.size(), more.size() + lane_.used)) settle();
    write(Body::kOp, bytes, more);
    if (process_.live.load(std::memory_order_relaxed) > 1) settle();
  }

  // Throws what it was answered.
  template <typename Body>
  typename Body::Reply call(const Body& body, std::span<const std::byte> more = {}) {
    append(Body::kOp, bytes_of(body), more);
    hand_over();
    typename Body::Reply reply;
    if constexpr (!std::is_same_v<typename Body::Reply, wire::None>) {
      std::memcpy(&reply, lane_.reply, sizeof(reply));
    }
    return reply;
  }

  // Everything that was queued has been carried out. An error of it, which is a mistake in the
  // library, comes out of the next call().
  void settle() noexcept;

  // The thread has nothing more to say.
  void finish() noexcept;
  // Of a lane that is new: until its fibre begins.
  void await_turn() noexcept;

  // Is there room for a body and so many bytes behind it in one command?
  static constexpr bool fits(std::size_t body, std::size_t more) noexcept {
    return sizeof(wire::Command) + body + more + kSpare <= wire::kCommandBytes;
  }

 private:
  // What rounding up takes, and finish().
  static constexpr std::size_t kSpare = 8 + sizeof(wire::Command);

  template <typename Body>
  static std::span<const std::byte> bytes_of(const Body& body) noexcept {
    static_assert(std::is_trivially_copyable_v<Body>);
    if constexpr (std::is_empty_v<Body>) return {};
    return std::as_bytes(std::span<const Body, 1>(&body, 1));
  }
  void append(wire::Op op, std::span<const std::byte> body, std::span<const std::byte> more);
  void write(wire::Op op, std::span<const std::byte> body,
             std::span<const std::byte> more) noexcept;
  void hand_over();
  Error error() const;

  wire::Process& process_;
  wire::Lane& lane_;
  std::optional<Error> late_;
};

}  // namespace tutti::ub
