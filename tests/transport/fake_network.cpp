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
#include "base/error.hpp"
#include "tests/transport/kinds.hpp"
#include "transports/packets/packet_transport.hpp"

namespace tutti::test {

namespace {

using packets::Completion;
using packets::Operation;
using packets::RemoteAddress;
using packets::Taken;

// A write that has not come yet. One that has failed for its sender may come all the same, late.
struct FakeWrite {
  std::uint64_t from = 0;
  std::span<const std::byte> bytes;
  std::vector<std::byte> copy;     // of `bytes`, if it has failed
  Operation* operation = nullptr;  // nullptr: it has failed
  RemoteAddress to;
  std::uint32_t number = 0;
};

// What an endpoint has: where messages may go, those that have come, and ends to be reported; what
// is open to peers, by key, and what they write there.
struct FakeEnd {
  struct Place {
    std::span<std::byte> memory;
    Operation* operation;
  };
  std::deque<Place> places;
  std::deque<std::pair<std::uint64_t, std::vector<std::byte>>> messages;  // with their senders
  std::deque<Completion> ends;
  std::map<std::uint64_t, std::span<std::byte>> open;
  std::deque<FakeWrite> writes;
  const std::atomic<bool>* held = nullptr;
  Descriptor wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};

  // A write may need a place for a message too.
  bool has_write() const {
    return !writes.empty() && !places.empty() && (held == nullptr || !held->load());
  }
  bool has_something() const {
    return !ends.empty() || (!messages.empty() && !places.empty()) || has_write();
  }
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
    ends_[++last_].held = habits_.writes ? habits_.writes->held : nullptr;
    return last_;
  }
  // Writes to it, and its own, go with it.
  void leave(std::uint64_t self) {
    const std::lock_guard lock(mutex_);
    const auto own = ends_.find(self);
    if (own == ends_.end()) return;
    for (const FakeWrite& write : own->second.writes) report(write, ECONNREFUSED);
    ends_.erase(own);
    for (auto& [end, other] : ends_) {
      std::erase_if(other.writes, [self](const FakeWrite& each) { return each.from == self; });
    }
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
    const bool fails = is_time_to_fail();
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

  // Its key.
  std::uint64_t open(std::uint64_t self, std::span<std::byte> memory) {
    const std::lock_guard lock(mutex_);
    FakeEnd& own = ends_.at(self);
    if (own.open.size() >= habits_.writes->most_regions) {
      fail(tuttiSystemError, "this network has no place for more regions");
    }
    const std::uint64_t key = habits_.writes->chooses_keys ? random_() : ++last_key_;
    own.open[key] = memory;
    return key;
  }
  void close(std::uint64_t self, std::uint64_t key) {
    const std::lock_guard lock(mutex_);
    const auto own = ends_.find(self);
    if (own != ends_.end()) own->second.open.erase(key);
  }
  std::uint64_t written() {
    const std::lock_guard lock(mutex_);
    return written_;
  }
  Taken write(std::uint64_t to, FakeWrite write) {
    const std::lock_guard lock(mutex_);
    if (habits_.later_in != 0 && random_() % habits_.later_in == 0) return Taken::kLater;
    const auto there = ends_.find(to);
    const bool fails = is_time_to_fail();
    if (there == ends_.end() || fails) report(write, there == ends_.end() ? ECONNREFUSED : EIO);
    if (there == ends_.end() || (fails && random_() % 2 == 0)) return Taken::kYes;
    if (fails) {
      write.copy.assign(write.bytes.begin(), write.bytes.end());
      write.bytes = write.copy;
      write.operation = nullptr;
    }
    there->second.writes.push_back(std::move(write));
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
      const bool may_take = !own.places.empty();
      if (!own.ends.empty() && (!may_take || random_() % 2 == 0)) {
        ends[count++] = own.ends.front();
        own.ends.pop_front();
      } else if (own.has_write() && (own.messages.empty() || random_() % 3 == 0)) {
        if (const auto end = take_write(own)) ends[count++] = *end;
      } else if (may_take && !own.messages.empty()) {
        ends[count++] = take_message(own);
      }
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
  bool is_time_to_fail() { return habits_.fails_in != 0 && random_() % habits_.fails_in == 0; }
  void report(const FakeWrite& write, int error) {
    const auto from = ends_.find(write.from);
    if (write.operation == nullptr || from == ends_.end()) return;
    from->second.ends.push_back(
        {.kind = error == 0 ? Completion::Kind::kSent : Completion::Kind::kFailed,
         .operation = write.operation,
         .error = error});
    ring(from->second);
  }
  // Any of those that are under way: writes have no order here.
  std::optional<Completion> take_write(FakeEnd& own) {
    const auto chosen =
        own.writes.begin() + static_cast<std::ptrdiff_t>(random_() % own.writes.size());
    const FakeWrite write = std::move(*chosen);
    own.writes.erase(chosen);
    const auto open = own.open.find(write.to.key);
    const std::size_t at = open != own.open.end() ? offset_in(open->second, write.to.address) : 0;
    if (open == own.open.end() || at > open->second.size() ||
        write.bytes.size() > open->second.size() - at) {
      report(write, EACCES);
      return std::nullopt;
    }
    const std::span<const std::byte> bytes = write.copy.empty() ? write.bytes : write.copy;
    std::memcpy(open->second.data() + at, bytes.data(), bytes.size());
    ++written_;
    report(write, 0);
    Completion end{.kind = Completion::Kind::kWritten, .number = cut(write.number)};
    if (habits_.writes->uses_receives) {
      end.operation = own.places.front().operation;
      own.places.pop_front();
    }
    return end;
  }
  std::size_t offset_in(std::span<std::byte> memory, std::uint64_t address) const {
    const auto begin = reinterpret_cast<std::uintptr_t>(memory.data());
    return static_cast<std::size_t>(habits_.writes->by_address ? address - begin : address);
  }
  // What the network carries of a number.
  std::uint32_t cut(std::uint32_t number) const {
    const std::size_t bits = 8 * habits_.writes->data_bytes;
    return bits >= 32 ? number : number & ((1U << bits) - 1);
  }
  static void ring(const FakeEnd& end) {
    const std::uint64_t one = 1;
    static_cast<void>(::write(end.wake.get(), &one, sizeof(one)));
  }

  const FakeHabits habits_;
  std::mutex mutex_;  // everything below
  std::map<std::uint64_t, FakeEnd> ends_;
  std::uint64_t last_ = 0;
  std::uint64_t last_key_ = 0;
  std::uint64_t written_ = 0;
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

class FakeOpenRegion final : public packets::Region {
 public:
  FakeOpenRegion(FakeNetwork& network, std::uint64_t self, std::span<std::byte> memory)
      : network_(network), self_(self), memory_(memory), key_(network.open(self, memory)) {}
  ~FakeOpenRegion() override { network_.close(self_, key_); }
  RemoteAddress address() const {
    const bool by_address = network_.habits().writes->by_address;
    return {by_address ? reinterpret_cast<std::uintptr_t>(memory_.data()) : 0, key_};
  }

 private:
  FakeNetwork& network_;
  const std::uint64_t self_;
  const std::span<std::byte> memory_;
  const std::uint64_t key_;
};

class FakeFabric final : public packets::Fabric, private packets::Writer {
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
  // A network that cannot carry a landing's number has no Writer (ofi::tells_of_writes).
  packets::Writer* writer() noexcept override {
    const auto& writes = network_.habits().writes;
    return writes && writes->data_bytes >= sizeof(std::uint32_t) ? this : nullptr;
  }
  std::size_t read(std::span<Completion> ends) override { return network_.read(self_, ends); }
  int wait_descriptor() const noexcept override { return wake_; }
  bool may_wait() noexcept override { return network_.may_wait(self_); }
  void shut() noexcept override { network_.leave(self_); }
  std::string describe(int error) const override { return std::strerror(error); }

 private:
  std::size_t most_bytes() const noexcept override { return network_.habits().writes->most_bytes; }
  std::size_t worth_bytes() const noexcept override {
    return network_.habits().writes->worth_bytes;
  }
  std::unique_ptr<packets::Region> open_to_peers(std::span<std::byte> memory) override {
    return std::make_unique<FakeOpenRegion>(network_, self_, memory);
  }
  RemoteAddress address_of(const packets::Region& region) const noexcept override {
    return static_cast<const FakeOpenRegion&>(region).address();
  }
  Taken write(packets::PeerAddress peer, std::span<const std::byte> bytes,
              const packets::Region* local, const RemoteAddress& to, std::uint32_t number,
              Operation& operation) override {
    EXPECT_LE(bytes.size(), most_bytes());
    check_registered(bytes, local);
    return network_.write(peer, {.from = self_,
                                 .bytes = bytes,
                                 .copy = {},
                                 .operation = &operation,
                                 .to = to,
                                 .number = number});
  }

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
  FakeTransport(const FakeHabits& habits, Bootstrap& bootstrap, Nanoseconds timeout)
      : OwnNode(habits), PacketTransport(bootstrap, timeout, own_node) {}
};

}  // namespace

std::unique_ptr<Transport> open_on_fake(const FakeHabits& habits, Bootstrap& bootstrap,
                                        Nanoseconds timeout) {
  return std::make_unique<FakeTransport>(habits, bootstrap, timeout);
}

std::uint64_t writes_on_fake(const FakeHabits& habits) { return FakeNetwork::of(habits).written(); }

}  // namespace tutti::test
