// What transport ofi tells of its costs: the same for all pairs of ranks, since no pair is
// measured.
#pragma once

#include <tutti/transport.hpp>

namespace tutti::ofi {

// Of messages by provider tcp;ofi_rxm over loopback, from all_reduce of two processes on two cores
// that others used too: twice what tcp takes for what is short, and half its bandwidth, since bytes
// are copied to packets and from them. Other providers are faster or slower by the same for all
// that is compared.
class OfiCosts final : public Costs {
 public:
  OfiCosts() = default;
  // `sharing`: ranks to a core, at least 1.
  explicit OfiCosts(double sharing) noexcept : sharing_(sharing) {}

  Path path(Rank from, Rank to) const noexcept override {
    if (from == to) return {.hop_class = 0, .bytes_per_ns = kCopy, .read_bytes_per_ns = kCopy};
    return {.hop_class = 4,
            .latency_ns = kLatencyNs * sharing_,
            .bytes_per_ns = kBytesPerNs / sharing_,
            .read_latency_ns = 2 * (kPostNs + kLatencyNs) * sharing_,
            .read_bytes_per_ns = kBytesPerNs / sharing_};
  }
  double work_ns(const LocalWork& work) const noexcept override {
    switch (work.kind) {
      case LocalWork::Kind::kCopy:
      case LocalWork::Kind::kReduce:
        return static_cast<double>(work.bytes) / kCopy * sharing_;
      case LocalWork::Kind::kLooks:
        return static_cast<double>(work.count) * kTakeNs * sharing_;
      default:
        return 0;
    }
  }
  double post_ns(const Path&) const noexcept override { return kPostNs * sharing_; }
  double issue_ns(std::size_t rows) const noexcept override {
    return static_cast<double>(rows) * kRowNs * sharing_;
  }

 private:
  static constexpr double kPostNs = 5000;
  static constexpr double kLatencyNs = 5000;
  static constexpr double kTakeNs = 1000;   // a packet
  static constexpr double kRowNs = 60;      // a frame of its own in a packet
  static constexpr double kBytesPerNs = 1;  // each way, both at once
  static constexpr double kCopy = 16;       // bytes/ns

  double sharing_ = 1;
};

}  // namespace tutti::ofi
