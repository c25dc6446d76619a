// Random traffic in groups, heap and plain buffers mixed, against what every rank can compute.
#include <cstdint>
#include <random>

#include "tests/support/scale.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"
#include "tutti/memory.hpp"
#include "tutti/stream.hpp"

namespace tutti::test {
namespace {

constexpr std::uint32_t kSeed = 20261123;

// Memory of either kind, freed with it.
class Buffer {
 public:
  Buffer(std::size_t count, bool from_heap) : plain_(from_heap ? 0 : count), count_(count) {
    if (from_heap) {
      EXPECT_EQ(tuttiMemAlloc(&heap_, count * sizeof(std::uint32_t)), tuttiSuccess);
    }
  }
  Buffer(Buffer&& other) noexcept
      : heap_(std::exchange(other.heap_, nullptr)),
        plain_(std::move(other.plain_)),
        count_(other.count_) {}
  ~Buffer() { EXPECT_EQ(tuttiMemFree(heap_), tuttiSuccess); }
  std::uint32_t* data() {
    return heap_ != nullptr ? static_cast<std::uint32_t*>(heap_) : plain_.data();
  }
  std::size_t count() const { return count_; }

 private:
  void* heap_ = nullptr;
  std::vector<std::uint32_t> plain_;
  std::size_t count_;
};

std::uint32_t element(std::size_t message, std::size_t i) {
  return static_cast<std::uint32_t>(message * 1000003 + i * 7);
}

struct Message {
  int from;
  int to;
  std::size_t count;
  bool heap_sender;
  bool heap_receiver;
};

// Forty messages between any ranks, half of them small.
std::vector<Message> random_messages(int ranks, std::mt19937& random) {
  std::vector<Message> messages;
  const auto up_to = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  for (std::uint32_t i = 0; i < 40; ++i) {
    const std::uint32_t size_class = up_to(10);
    const std::size_t count = size_class < 5   ? up_to(9)
                              : size_class < 9 ? up_to(5000)
                                               : up_to(200000);
    messages.push_back({.from = static_cast<int>(up_to(static_cast<std::uint32_t>(ranks))),
                        .to = static_cast<int>(up_to(static_cast<std::uint32_t>(ranks))),
                        .count = count,
                        .heap_sender = up_to(2) == 0,
                        .heap_receiver = up_to(2) == 0});
  }
  return messages;
}

// In one group on every rank.
void exchange(const std::vector<Message>& messages, int round, int rank, tuttiComm_t comm) {
  std::vector<std::pair<std::size_t, Buffer>> received;
  std::vector<Buffer> sent;
  sent.reserve(messages.size());
  received.reserve(messages.size());
  Group group;
  for (std::size_t m = 0; m < messages.size(); ++m) {
    const Message& message = messages[m];
    if (message.from == rank) {
      Buffer& buffer = sent.emplace_back(message.count, message.heap_sender);
      for (std::size_t i = 0; i < message.count; ++i) buffer.data()[i] = element(m, i);
      expect_ok(tuttiSend(buffer.data(), message.count, tuttiUint32, message.to, comm, nullptr),
                comm);
    }
    if (message.to == rank) {
      Buffer& buffer =
          received.emplace_back(m, Buffer(message.count, message.heap_receiver)).second;
      expect_ok(tuttiRecv(buffer.data(), message.count, tuttiUint32, message.from, comm, nullptr),
                comm);
    }
  }
  group.commit();
  for (auto& [m, buffer] : received) {
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < buffer.count(); ++i) {
      wrong += buffer.data()[i] != element(m, i) ? 1u : 0u;
    }
    EXPECT_EQ(wrong, 0u) << "message " << m << ", round " << round << ", seed " << kSeed;
  }
}

class Traffic : public testing::TestWithParam<std::tuple<World, int>> {};

TEST_P(Traffic, RandomGroupsArriveWhole) {
  const auto& [world, ranks] = GetParam();
  std::mt19937 random(kSeed + static_cast<std::uint32_t>(ranks));
  std::vector<std::vector<Message>> rounds;
  rounds.reserve(20);
  for (int round = 0; round < 20; ++round) rounds.push_back(random_messages(ranks, random));
  world.run(ranks, [&](int rank, tuttiComm_t comm) {
    for (std::size_t round = 0; round < rounds.size(); ++round) {
      exchange(rounds[round], static_cast<int>(round), rank, comm);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, Traffic,
                         testing::Combine(testing::ValuesIn(worlds()),
                                          testing::ValuesIn(rank_counts())));

}  // namespace
}  // namespace tutti::test
