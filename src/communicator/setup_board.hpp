// The board of a set-up exchange: 1 KiB of a rank's control segment, from which the members read a
// part of its blob.
//
// A rank whose exchange failed cannot know who still reads its board, and fills it again all the
// same. So the words of a board are atomic and have a sum: a reader that finds another value or a
// wrong sum has met the board of another exchange, or a half of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "channel/layout.hpp"

namespace tutti {

struct SetupBoard {
  static constexpr std::size_t kHeaderBytes = 3 * sizeof(std::uint64_t);  // value, bytes, sum
  static constexpr std::size_t kPartBytes = ControlLayout::kBoardBytes - kHeaderBytes;

  // `board`: kBoardBytes, aligned to a word. `value`: of the line that announces it. `bytes`: of
  // the whole blob. `part`: at most kPartBytes.
  static void write(std::span<std::byte> board, std::uint64_t value, std::uint64_t bytes,
                    std::span<const std::byte> part);

  // Fills `part` and returns the bytes of the whole blob; nothing, and `part` as it was, when the
  // board holds no whole part of `value`.
  static std::optional<std::uint64_t> read(std::span<const std::byte> board, std::uint64_t value,
                                           std::span<std::byte> part);
};

}  // namespace tutti
