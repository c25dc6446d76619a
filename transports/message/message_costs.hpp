// What a transport of messages tells of its costs: the same for all pairs of ranks, since no pair
// is measured.
#pragma once

#include <tutti/transport.hpp>

namespace tutti::message {

// Where ranks share cores, each has its part of them for all that it does, and messages do little
// else than use the cores. A network is slower than loopback by more in bandwidth than in latency:
// what is chosen by these is not far from the best there, since what decides is how often a message
// waits for another.
class MessageCosts final : public Costs {
 public:
  // Of two ranks with a core each.
  struct Measured {
    double post_ns = 0;  // that a post keeps its caller
    double latency_ns = 0;
    double take_ns = 0;       // of whoever takes a message in
    double row_ns = 0;        // a frame of its own, sent with others
    double bytes_per_ns = 0;  // each way, both at once
  };

  MessageCosts() = default;
  // `sharing`: ranks to a core, at least 1.
  MessageCosts(const Measured& measured, double sharing) noexcept
      : measured_(measured), sharing_(sharing) {}

  Path path(Rank from, Rank to) const noexcept override {
    if (from == to) return {.hop_class = 0, .bytes_per_ns = kCopy, .read_bytes_per_ns = kCopy};
    return {.hop_class = 4,
            .latency_ns = measured_.latency_ns * sharing_,
            .bytes_per_ns = measured_.bytes_per_ns / sharing_,
            .read_latency_ns = 2 * (measured_.post_ns + measured_.latency_ns) * sharing_,
            .read_bytes_per_ns = measured_.bytes_per_ns / sharing_};
  }
  double work_ns(const LocalWork& work) const noexcept override {
    switch (work.kind) {
      case LocalWork::Kind::kCopy:
      case LocalWork::Kind::kReduce:
        return static_cast<double>(work.bytes) / kCopy * sharing_;
      case LocalWork::Kind::kLooks:
        return static_cast<double>(work.count) * measured_.take_ns * sharing_;
      default:
        return 0;
    }
  }
  double post_ns(const Path&) const noexcept override { return measured_.post_ns * sharing_; }
  double issue_ns(std::size_t rows) const noexcept override {
    return static_cast<double>(rows) * measured_.row_ns * sharing_;
  }

 private:
  static constexpr double kCopy = 16;  // bytes/ns

  Measured measured_;
  double sharing_ = 1;
};

}  // namespace tutti::message
