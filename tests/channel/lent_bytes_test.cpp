// Who still reads what an operation lent finds it, also after an error.
#include "channel/lent_bytes.hpp"

#include <stdexcept>

#include "tests/channel/channel_ranks.hpp"

namespace tutti::test {

namespace {

// Does a peer that was told of the bytes still find them? Freed, they are a stranger's.
void expect_kept(const std::byte* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(bytes[i], std::byte{0x5a}) << i;
}

constexpr std::size_t kBytes = 4096;

const std::byte* lend_and_fail(Transport& transport) {
  const std::byte* lent = nullptr;
  try {
    LentBytes bytes(transport);
    bytes.make(kBytes);
    std::memset(bytes.data(), 0x5a, kBytes);
    lent = bytes.data();
    throw std::runtime_error("a peer has gone");
  } catch (const std::runtime_error&) {
  }
  return lent;
}

}  // namespace

TEST(LentBytes, AreKeptAfterAnError) {
  run_channels({}, [](ChannelRank& rank) {
    Transport& transport = rank.channel().transport();
    std::vector<const std::byte*> lent;
    lent.reserve(4);
    for (int i = 0; i < 4; ++i) lent.push_back(lend_and_fail(transport));
    // Who was freed would be found here, with other contents.
    for (int i = 0; i < 8; ++i) {
      const auto other = std::make_unique<std::byte[]>(kBytes);
      for (const std::byte* const bytes : lent) ASSERT_NE(other.get(), bytes);
    }
    for (const std::byte* const bytes : lent) expect_kept(bytes, kBytes);
  });
}

// An operation of a destructor that runs because of an error ends well itself.
TEST(LentBytes, OfAnOperationInADestructorGoWithIt) {
  run_channels({}, [](ChannelRank& rank) {
    struct Closes {
      Transport& transport;
      ~Closes() {
        LentBytes bytes(transport);
        bytes.make(kBytes);
      }
    };
    try {
      const Closes closes{rank.channel().transport()};
      throw std::runtime_error("a peer has gone");
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(rank.channel().transport().kept_bytes(), 0u);
    lend_and_fail(rank.channel().transport());
    EXPECT_EQ(rank.channel().transport().kept_bytes(), kBytes);
  });
}

}  // namespace tutti::test
