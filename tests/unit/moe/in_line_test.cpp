// What lines carry of few entries comes back as it was.
#include "moe/in_line.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tutti::moe {
namespace {

TEST(InLine, ShortEntriesComeBack) {
  for (const std::uint32_t token : {0u, 1u, 65535u}) {
    for (const std::uint32_t lane : {0u, 63u}) {
      for (const std::uint32_t expert : {0u, 1023u}) {
        const Entry entry = Entry::make(token, lane, expert);
        ASSERT_TRUE(is_short(entry));
        const Entry back = lengthened(shortened(entry));
        EXPECT_EQ(back.token, token);
        EXPECT_EQ(back.lane(), lane);
        EXPECT_EQ(back.expert(), expert);
      }
    }
  }
  EXPECT_FALSE(is_short(Entry::make(65536, 0, 0)));
  EXPECT_FALSE(is_short(Entry::make(0, 0, 1024)));
  Entry relayed = Entry::make(0, 0, 0);
  relayed.set_via(Entry::kRelayed);
  EXPECT_FALSE(is_short(relayed));
}

TEST(InLine, AsManyItemsAsALineHas) {
  ASSERT_EQ(kMostInLine, 6U);
  const std::vector<std::uint32_t> items = {1, 2, 3, 4, 5, 0xffffffffu};
  LineContent content{};
  write_in_line<std::uint32_t>(content, items);
  Line line{};
  std::memcpy(line.payload, content.payload, sizeof(line.payload));
  const auto back = items_in_line<std::uint32_t>(line, items.size());
  EXPECT_EQ(std::vector<std::uint32_t>(back.begin(), back.end()), items);
  EXPECT_EQ(line.payload[kLineHeaderBytes - 1], std::byte{0}) << "the header is left alone";
}

// Offsets below the heap's base are negative.
TEST(InLine, ReferencesComeBack) {
  for (const auto where : {MemoryRef::Where::kHeap, MemoryRef::Where::kProcess}) {
    for (const std::uint64_t offset :
         {std::uint64_t{0}, std::uint64_t{1} << 47, ~std::uint64_t{0} - (std::uint64_t{1} << 47)}) {
      const MemoryRef back = ShortRef(MemoryRef{where, offset}).ref();
      EXPECT_EQ(back.where, where);
      EXPECT_EQ(back.offset, offset);
    }
  }
}

}  // namespace
}  // namespace tutti::moe
