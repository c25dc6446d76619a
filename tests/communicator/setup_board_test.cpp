#include "communicator/setup_board.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace tutti::test {
namespace {

struct alignas(64) Board : std::array<std::byte, ControlLayout::kBoardBytes> {};

TEST(SetupBoard, GivesBackWhatWasWrittenForTheSameValue) {
  Board board{};
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, SetupBoard::kPartBytes}) {
    std::vector<std::byte> part(bytes);
    for (std::size_t i = 0; i < bytes; ++i) part[i] = static_cast<std::byte>(i * 7 + 3);
    SetupBoard::write(board, 41, 5000, part);
    std::vector<std::byte> read(bytes);
    EXPECT_EQ(SetupBoard::read(board, 41, read), 5000u);
    EXPECT_EQ(read, part);
    EXPECT_EQ(SetupBoard::read(board, 42, read), std::nullopt);
  }
}

TEST(SetupBoard, AnEmptyOrDamagedOneHoldsNothing) {
  Board board{};
  std::array<std::byte, 8> part{};
  EXPECT_EQ(SetupBoard::read(board, 0, part), std::nullopt);
  SetupBoard::write(board, 41, 8, part);
  for (std::size_t i = 0; i < board.size(); ++i) {
    board[i] ^= std::byte{1};
    EXPECT_EQ(SetupBoard::read(board, 41, part), std::nullopt) << "byte " << i;
    board[i] ^= std::byte{1};
  }
  EXPECT_EQ(SetupBoard::read(board, 41, part), 8u);
}

// The owner fills it again and again with the same value, without waiting for its reader.
TEST(SetupBoard, IsReadWholeOrNotAtAll) {
  Board board{};
  std::atomic<bool> done{false};
  std::jthread owner([&] {
    std::vector<std::byte> part(SetupBoard::kPartBytes);
    for (int i = 0; i < 20000; ++i) {
      std::fill(part.begin(), part.end(), static_cast<std::byte>(i));
      SetupBoard::write(board, 41, part.size(), part);
    }
    done = true;
  });
  std::vector<std::byte> part(SetupBoard::kPartBytes);
  do {
    if (!SetupBoard::read(board, 41, part)) continue;
    ASSERT_EQ(std::count(part.begin(), part.end(), part[0]), SetupBoard::kPartBytes);
  } while (!done);
  ASSERT_EQ(SetupBoard::read(board, 41, part), SetupBoard::kPartBytes);
}

}  // namespace
}  // namespace tutti::test
