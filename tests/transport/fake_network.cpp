#include "tests/transport/fake_network.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <vector>

#include "base/descriptor.hpp"
#include "tests/transport/kinds.hpp"
#include "transports/packets/packet_transport.hpp"

namespace tutti::test {

namespace {

using packets::Completion;
using packets::Operation;
using packets::Taken;

// What an endpoint has: where messages may go, those that have come, and ends to be reported.
struct FakeEnd {
  struct Place {
    std::span<std::byte> memory;
    Operation* operation;
  };
  std::deque<Place> places;
  std::deque<std::pair<std::uint64_t, std::vector<std::byte>>> messages;  // with their senders
  std::deque<Completion> ends;
  Descriptor wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};

  bool has_something() const { return !ends.empty() || (!messages.empty() && !places.empty()); }
};

class FakeNetwork {
 public:
  explicit FakeNetwork(const FakeHabits& habits) : habits_(habits) {}
  static FakeNetwork& of(const FakeHabits& habits) {
    static std::mutex mutex;
    static std::map<std::string, std::unique_ptr<FakeNetwork>> networks;
    const std::lock_guard lock(mutex);
    auto& network = networks[habits.name];
    if (!network) network = std::make_unique<FakeNetwork>(habits);
    return *network;
  }

  const FakeHabits& habits() const { return habits_; }
  std::uint64_t join() {
    const std::lock_guard lock(mutex_);
    ends_[++last_];
    return last_;
  }
  void leave(std::uint64_t self) {
    const std::lock_guard lock(mutex_);
    ends_.erase(self);
  }
  int wake_of(std::uint64_t self) {
    const std::lock_guard lock(mutex_);
    return ends_.at(self).wake.get();
  }

  Taken send(std::uint64_t from, std::uint64_t to, std::span<const std::byte> message,
             Operation& operation) {
    const std::lock_guard lock(mutex_);
    if (habits_.later_in != 0 && random_() % habits_.later_in == 0) return Taken::kLater;
    FakeEnd& own = ends_.at(from);
    const auto there = ends_.find(to);
    const bool fails = habits_.fails_in != 0 && random_() % habits_.fails_in == 0;
    if (there == ends_.end() || fails) {
      own.ends.push_back({.kind = Completion::Kind::kFailed,
                          .operation = &operation,
                          .error = there == ends_.end() ? ECONNREFUSED : EIO});
    } else {
      own.ends.push_back({.kind = Completion::Kind::kSent, .operation = &operation});
    }
    ring(own);
    if (there == ends_.end() || (fails && random_() % 2 == 0)) return Taken::kYes;
    there->second.messages.emplace_back(from,
                                        std::vector<std::byte>(message.begin(), message.end()));
    ring(there->second);
    return Taken::kYes;
  }

  void receive(std::uint64_t self, const FakeEnd::Place& place) {
    const std::lock_guard lock(mutex_);
    ends_.at(self).places.push_back(place);
  }

  std::size_t read(std::uint64_t self, std::span<Completion> ends) {
    const std::lock_guard lock(mutex_);
    const auto found = ends_.find(self);
    if (found == ends_.end()) return 0;
    FakeEnd& own = found->second;
    std::size_t count = 0;
    while (count < ends.size() && own.has_something()) {
      if (!own.ends.empty() && (own.messages.empty() || own.places.empty() || random_() % 2 == 0)) {
        ends[count++] = own.ends.front();
        own.ends.pop_front();
        continue;
      }
      ends[count++] = take_message(own);
    }
    return count;
  }

  bool may_wait(std::uint64_t self) {
    const std::lock_guard lock(mutex_);
    FakeEnd& own = ends_.at(self);
    std::uint64_t ignored = 0;
    static_cast<void>(::read(own.wake.get(), &ignored, sizeof(ignored)));
    return !own.has_something();
  }

 private:
  // The first, or any of the first that have come.
  Completion take_message(FakeEnd& own) {
    constexpr std::size_t kReach = 50;
    const std::size_t last = habits_.ordered ? 1 : std::min(own.messages.size(), kReach);
    const auto chosen = own.messages.begin() + static_cast<std::ptrdiff_t>(random_() % last);
    const std::vector<std::byte> message = std::move(chosen->second);
    own.messages.erase(chosen);
    const FakeEnd::Place place = own.places.front();
    own.places.pop_front();
    if (message.size() > place.memory.size()) {
      return {.kind = Completion::Kind::kFailed, .operation = place.operation, .error = EMSGSIZE};
    }
    std::memcpy(place.memory.data(), message.data(), message.size());
    return {
        .kind = Completion::Kind::kReceived, .operation = place.operation, .bytes = message.size()};
  }
  static void ring(const FakeEnd& end) {
    const std::uint64_t one = 1;
    static_cast<void>(::write(end.wake.get(), &one, sizeof(one)));
  }

  const FakeHabits habits_;
  std::mutex mutex_;  // everything below
  std::map<std::uint64_t, FakeEnd> ends_;
  std::uint64_t last_ = 0;
  std::mt19937_64 random_{20261128};
};

class FakeRegion final : public packets::Region {
 public:
  explicit FakeRegion(std::span<std::byte> memory) : memory_(memory) {}
  bool holds(std::span<const std::byte> bytes) const {
    return bytes.data() >= memory_.data() &&
           bytes.data() + bytes.size() <= memory_.data() + memory_.size();
  }

 private:
  std::span<std::byte> memory_;
};

class FakeFabric final : public packets::Fabric {
 public:
  explicit FakeFabric(FakeNetwork& network)
      : network_(network), self_(network.join()), wake_(network.wake_of(self_)) {
    can_.transport = network.habits().name;
    can_.network = network.habits().name;
    can_.message_bytes = network.habits().message_bytes;
    can_.registers_local = network.habits().registers_local;
    can_.sleeps = network.habits().sleeps;
    std::memcpy(address_, &self_, sizeof(self_));
  }
  ~FakeFabric() override { shut(); }

  const packets::Capabilities& capabilities() const noexcept override { return can_; }
  std::span<const std::byte> address() const noexcept override { return address_; }
  packets::PeerAddress add_peer(std::span<const std::byte> address) override {
    packets::PeerAddress peer = 0;
    EXPECT_EQ(address.size(), sizeof(peer));
    std::memcpy(&peer, address.data(), std::min(address.size(), sizeof(peer)));
    return peer;
  }
  std::unique_ptr<packets::Region> register_memory(std::span<std::byte> memory) override {
    return std::make_unique<FakeRegion>(memory);
  }
  Taken send(packets::PeerAddress peer, std::span<const std::byte> message,
             const packets::Region* local, Operation& operation) override {
    EXPECT_LE(message.size(), can_.message_bytes);
    check_registered(message, local);
    return network_.send(self_, peer, message, operation);
  }
  Taken receive(std::span<std::byte> place, const packets::Region* local,
                Operation& operation) override {
    check_registered(place, local);
    network_.receive(self_, {place, &operation});
    return Taken::kYes;
  }
  std::size_t read(std::span<Completion> ends) override { return network_.read(self_, ends); }
  int wait_descriptor() const noexcept override { return wake_; }
  bool may_wait() noexcept override { return network_.may_wait(self_); }
  void shut() noexcept override { network_.leave(self_); }
  std::string describe(int error) const override { return std::strerror(error); }

 private:
  void check_registered(std::span<const std::byte> bytes, const packets::Region* local) const {
    if (!can_.registers_local) return;
    const auto* const region = static_cast<const FakeRegion*>(local);
    EXPECT_TRUE(region != nullptr && region->holds(bytes)) << "memory that is not registered";
  }

  FakeNetwork& network_;
  const std::uint64_t self_;
  const int wake_;
  packets::Capabilities can_;
  std::byte address_[sizeof(std::uint64_t)];
};

// The node outlives the transport on it.
struct OwnNode {
  explicit OwnNode(const FakeHabits& habits)
      : own_node(std::make_unique<FakeFabric>(FakeNetwork::of(habits)),
                 std::chrono::milliseconds(20)) {}
  packets::Node own_node;
};
class FakeTransport final : private OwnNode, public packets::PacketTransport {
 public:
  FakeTransport(const FakeHabits& habits, Bootstrap& bootstrap)
      : OwnNode(habits), PacketTransport(bootstrap, kTransportTimeout, own_node) {}
};

}  // namespace

std::unique_ptr<Transport> open_on_fake(const FakeHabits& habits, Bootstrap& bootstrap) {
  return std::make_unique<FakeTransport>(habits, bootstrap);
}

}  // namespace tutti::test
