// Channels of ranks that are threads, opened as a communicator opens them.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bootstrap/local_group.hpp"
#include "channel/channel.hpp"
#include "channel/operation.hpp"
#include "tests/support/thread_world.hpp"
#include "transports/registry.hpp"

namespace tutti::test {

struct ChannelSetup {
  int ranks = 2;
  Sequence first_sequence = 1;
  Nanoseconds timeout = std::chrono::seconds(120);
  Nanoseconds spin = std::chrono::microseconds(20);  // then asleep: doorbells are tested too
};

class ChannelRank {
 public:
  ChannelRank(std::unique_ptr<Bootstrap> bootstrap, const ChannelSetup& setup)
      : bootstrap_(std::move(bootstrap)),
        transport_(open_transport("shm", *bootstrap_, std::chrono::seconds(60))) {
    ChannelWindows windows;
    windows.layout = control_layout({.ranks = static_cast<unsigned>(setup.ranks)});
    windows.control = transport_->open_control(
        {.bytes = windows.layout.bytes(), .line_bytes = windows.layout.line_bytes()});
    windows.heap = transport_->open_window(WindowKind::kHeap);
    windows.process = transport_->open_window(WindowKind::kProcess);
    ChannelOptions options{
        .name = "test",
        .limits = {.timeout = setup.timeout, .spin = setup.spin, .waiting = transport_->waiting()},
        .first_sequence = setup.first_sequence};
    channel_ = std::make_unique<Channel>(*transport_, std::move(windows), bootstrap_->rank(),
                                         std::move(options));
    meet();
  }

  Rank rank() const { return bootstrap_->rank(); }
  int ranks() const { return bootstrap_->ranks(); }
  Channel& channel() { return *channel_; }
  Operation begin(const OperationShape& shape = {}) { return channel_->begin(shape); }
  Rank next() const { return (rank() + 1) % ranks(); }
  Rank previous() const { return (rank() + ranks() - 1) % ranks(); }
  // A barrier of the test, apart from the channel.
  void meet() { bootstrap_->all_gather({}, {}); }
  void leave() {
    channel_.reset();
    transport_.reset();
  }

 private:
  std::unique_ptr<Bootstrap> bootstrap_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Channel> channel_;
};

// Runs body(rank) on every rank at once; ranks leave together.
inline void run_channels(const ChannelSetup& setup, const std::function<void(ChannelRank&)>& body) {
  LocalGroup group(setup.ranks, std::chrono::seconds(200));
  on_ranks(setup.ranks, [&](int number) {
    try {
      ChannelRank rank(group.bootstrap(number), setup);
      body(rank);
      rank.meet();
    } catch (const std::exception& error) {
      ADD_FAILURE() << "rank " << number << ": " << error.what();
    }
  });
}

// What a rank brings to an operation, different everywhere.
inline std::uint64_t token_of(const Operation& operation, Rank source) {
  return (operation.sequence() * 0x9E3779B97F4A7C15U) ^ (static_cast<std::uint64_t>(source) << 7);
}
inline LineContent content_of(std::uint64_t token) {
  LineContent content{};
  std::memcpy(content.payload, &token, sizeof(token));
  return content;
}
inline std::uint64_t token_in(const Line& line) {
  std::uint64_t token = 0;
  std::memcpy(&token, line.payload, sizeof(token));
  return token;
}

// The error that `call` throws; a failure of the test when there is none.
template <typename Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(tuttiSuccess, "");
}

}  // namespace tutti::test
