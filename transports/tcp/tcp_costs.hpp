// What transport tcp tells of its costs: the same for all pairs of ranks, since no pair is measured.
#pragma once

#include <tutti/transport.hpp>

namespace tutti::tcp {

// Measured on loopback between two processes on two cores (Xeon Sapphire Rapids under KVM): a post
// keeps its caller 3 us, in sendmsg, and is noticed 3 us later; 2 MiB go at 2.5 bytes/ns one way, at
// half of that both ways. A network is slower by more in bandwidth than in latency: what is chosen
// by these is not far from the best there, since what decides is how often a message waits for
// another.
class TcpCosts final : public Costs {
 public:
  Path path(Rank from, Rank to) const noexcept override {
    if (from == to) return {.hop_class = 0, .bytes_per_ns = kCopy, .read_bytes_per_ns = kCopy};
    return {.hop_class = 4,
            .latency_ns = kLatencyNs,
            .bytes_per_ns = kBytesPerNs,
            .read_latency_ns = 2 * (kPostNs + kLatencyNs),
            .read_bytes_per_ns = kBytesPerNs};
  }
  double work_ns(const LocalWork& work) const noexcept override {
    switch (work.kind) {
      case LocalWork::Kind::kCopy:
      case LocalWork::Kind::kReduce:
        return static_cast<double>(work.bytes) / kCopy;
      default:
        return 0;
    }
  }
  double post_ns() const noexcept override { return kPostNs; }
  double issue_ns(std::size_t rows) const noexcept override {
    return static_cast<double>(rows) * kRowNs;
  }

 private:
  static constexpr double kPostNs = 3000;
  static constexpr double kLatencyNs = 3000;
  static constexpr double kBytesPerNs = 1.3;
  static constexpr double kCopy = 8;   // bytes/ns
  static constexpr double kRowNs = 60;  // a frame of its own in a sendmsg
};

}  // namespace tutti::tcp
