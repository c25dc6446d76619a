// Segments so large that shared memory maps their fronts a second time: both ways to a front show
// the same bytes.
#include <gtest/gtest.h>

#include <cstring>

#include "bootstrap/local_group.hpp"
#include "tests/support/thread_world.hpp"
#include "transports/registry.hpp"

namespace tutti::test {
namespace {

constexpr int kRanks = 3;
constexpr std::size_t kFront = 3 * 4096;
constexpr ControlSegment kSegment{
    .bytes = std::size_t{40} << 20, .line_bytes = std::size_t{1} << 20, .front_bytes = kFront};
constexpr LineId kInFront = 5, kLastInFront = kFront / sizeof(Line) - 1, kBehind = kLastInFront + 1;

LineContent content_of(int rank, LineId line) {
  LineContent content;
  content.stamp = static_cast<std::uint64_t>(rank) << 32 | line;
  std::memset(content.payload, rank + 1, sizeof(content.payload));
  return content;
}

TEST(ShmFronts, LinesAndBytesAreTheSameByEveryWay) {
  LocalGroup group(kRanks, std::chrono::seconds(60));
  on_ranks(kRanks, [&](int rank) {
    const auto bootstrap = group.bootstrap(rank);
    const auto transport = open_transport("shm", *bootstrap, std::chrono::seconds(60));
    const auto control = transport->open_control(kSegment);
    const auto meet = [&] { bootstrap->all_gather({}, {}); };
    const int next = (rank + 1) % kRanks, before = (rank + kRanks - 1) % kRanks;

    for (const LineId line : {kInFront, kLastInFront, kBehind}) {
      control->post(next, line, 7, content_of(rank, line));
    }
    meet();
    const auto* own = reinterpret_cast<const Line*>(control->local().data());
    for (const LineId line : {kInFront, kLastInFront, kBehind}) {
      EXPECT_EQ(own[line].value.load(), 7U) << "line " << line;
      EXPECT_EQ(own[line].stamp, content_of(before, line).stamp) << "line " << line;
      EXPECT_EQ(control->lines(next)[line].stamp, content_of(rank, line).stamp) << "line " << line;
    }

    meet();  // the lines are overwritten now
    // What a rank stores in its segment, peers view, from the front, behind it, and across its end.
    std::memset(control->local().data() + kFront - 256, 0x40 + rank, 512);
    meet();
    for (const std::size_t offset : {kFront - 256, kFront - 64, kFront, kFront + 128}) {
      const auto seen = control->view(next, offset, 128);
      ASSERT_EQ(seen.size(), 128U);
      for (const std::byte byte : seen) ASSERT_EQ(byte, static_cast<std::byte>(0x40 + next));
    }

    // The doorbells are in the front: a post rings the one that its owner looks at.
    auto& bell = *reinterpret_cast<Doorbell*>(control->local().data());
    bell.sleepers.store(1);
    const std::uint32_t seen = bell.ring.load();
    meet();
    control->post(next, kBehind, 8, {});
    meet();
    EXPECT_EQ(bell.ring.load(), seen + 1);
    meet();  // who leaves rings too
  });
}

}  // namespace
}  // namespace tutti::test
