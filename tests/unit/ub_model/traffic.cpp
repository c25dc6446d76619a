#include "traffic.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "transports/ub/model/builtin_profiles.hpp"

namespace tutti::ub::test {

namespace {

class Recorder final : public TransferSink {
 public:
  explicit Recorder(std::size_t transfers) {
    outcome_.left.resize(transfers, Outcome::kNever);
    outcome_.arrived.resize(transfers, Outcome::kNever);
    outcome_.lost.resize(transfers, Outcome::kNever);
  }

  void left(std::uint64_t tag, Picoseconds when) override { set(outcome_.left, tag, when); }
  void arrived(std::uint64_t tag, Picoseconds when) override {
    set(outcome_.arrived, tag, when);
    EXPECT_NE(outcome_.left[tag], Outcome::kNever) << "transfer " << tag;
    EXPECT_LE(outcome_.left[tag], when) << "transfer " << tag;
    outcome_.last = std::max(outcome_.last, when);
  }
  void lost(std::uint64_t tag, Picoseconds when) override { set(outcome_.lost, tag, when); }

  Outcome take() { return std::move(outcome_); }

 private:
  static void set(std::vector<Picoseconds>& times, std::uint64_t tag, Picoseconds when) {
    EXPECT_EQ(times[tag], Outcome::kNever) << "twice for transfer " << tag;
    times[tag] = when;
  }

  Outcome outcome_;
};

class Deaf final : public TransferSink {
 public:
  void left(std::uint64_t, Picoseconds) override {}
  void arrived(std::uint64_t, Picoseconds) override {}
  void lost(std::uint64_t, Picoseconds) override {}
};

// Starts each transfer at its time, and with it those that its rank starts ahead of theirs.
class Feeder final : public EventTarget {
 public:
  Feeder(const std::vector<Send>& traffic, Picoseconds ahead, Fabric& fabric, Fabric& bound)
      : traffic_(traffic),
        ahead_(ahead),
        fabric_(fabric),
        bound_(bound),
        started_(traffic.size()) {}
  void fire(Picoseconds now, std::uint64_t number) override {
    if (!started_[number]) start(number);
    if (ahead_ == Picoseconds::zero()) return;
    for (std::uint64_t i = number + 1; i < traffic_.size(); ++i) {
      const Send& next = traffic_[i];
      if (next.transfer.rank != traffic_[number].transfer.rank || started_[i]) continue;
      if (next.at > now + ahead_ || next.transfer.direction == Direction::kRead) break;
      start(i);
    }
  }

 private:
  void start(std::uint64_t number) {
    started_[number] = true;
    Transfer transfer = traffic_[number].transfer;
    transfer.tag = number;
    fabric_.start(traffic_[number].at, transfer);
    bound_.start(traffic_[number].at, transfer);
  }

  const std::vector<Send>& traffic_;
  const Picoseconds ahead_;
  Fabric& fabric_;
  Fabric& bound_;
  std::vector<bool> started_;
};

}  // namespace

Outcome run_traffic(const Topology& topology, const FabricOptions& options,
                    const std::vector<Send>& traffic, Picoseconds ahead) {
  EventHeap queue;
  Recorder recorder(traffic.size());
  Deaf deaf;
  const auto fabric = make_fabric(topology, options, queue, recorder);
  BoundFabric bound(topology, deaf);
  Feeder feeder(traffic, ahead, *fabric, bound);
  for (std::size_t i = 0; i < traffic.size(); ++i) queue.schedule(traffic[i].at, feeder, i);
  queue.run();
  Outcome outcome = recorder.take();
  outcome.bound = bound.latest();
  outcome.events = queue.fired() - traffic.size();
  for (std::size_t i = 0; i < traffic.size(); ++i) {
    EXPECT_NE(outcome.arrived[i] == Outcome::kNever, outcome.lost[i] == Outcome::kNever)
        << "transfer " << i;
  }
  return outcome;
}

std::vector<Send> all_to_all(int ranks, std::uint64_t bytes) {
  std::vector<Send> traffic;
  for (int step = 1; step < ranks; ++step) {
    for (int rank = 0; rank < ranks; ++rank) {
      traffic.push_back(
          {.transfer = {.rank = rank, .peer = (rank + step) % ranks, .bytes = bytes}});
    }
  }
  return traffic;
}

std::vector<Send> all_to_all_by_node(int ranks, std::uint64_t bytes) {
  std::vector<Send> traffic;
  for (int step = 1; step < ranks; ++step) {
    for (int rank = 0; rank < ranks; ++rank) {
      const int node = (rank / 8 + step / 8) % (ranks / 8);
      const int peer = node * 8 + (rank + step) % 8;
      traffic.push_back({.transfer = {.rank = rank, .peer = peer, .bytes = bytes}});
    }
  }
  return traffic;
}

std::vector<Send> random_traffic(int ranks, std::size_t transfers, Picoseconds span,
                                 std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  std::vector<Send> traffic;
  for (std::size_t i = 0; i < transfers; ++i) {
    const std::uint64_t largest = std::uint64_t{1} << below(17);
    traffic.push_back(
        {.at = Picoseconds(
             static_cast<std::int64_t>(below(static_cast<std::uint64_t>(span.count() + 1)))),
         .transfer = {.rank = static_cast<int>(below(static_cast<std::uint64_t>(ranks))),
                      .peer = static_cast<int>(below(static_cast<std::uint64_t>(ranks))),
                      .direction = below(4) == 0 ? Direction::kRead : Direction::kWrite,
                      .rows = static_cast<std::uint32_t>(1 + below(4)),
                      .bytes = below(largest + 1)}});
  }
  std::stable_sort(traffic.begin(), traffic.end(),
                   [](const Send& a, const Send& b) { return a.at < b.at; });
  return traffic;
}

std::string text_of(const std::string& profile) {
  for (const BuiltinProfile& builtin : builtin_profiles()) {
    if (builtin.name == profile) return std::string(builtin.text);
  }
  ADD_FAILURE() << "no profile " << profile;
  return "";
}

std::string with(const std::string& profile, const std::string& piece, const std::string& by) {
  std::string text = text_of(profile);
  const std::size_t place = text.find(piece);
  if (place == std::string::npos) {
    ADD_FAILURE() << profile << " has no " << piece;
    return text;
  }
  return text.replace(place, piece.size(), by);
}

}  // namespace tutti::ub::test
