// Copies move exactly the bytes asked for, at any alignment and size.
#include "kernels/copy.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "each_target.hpp"

namespace tutti::kernels {
namespace {

constexpr std::byte kUntouched{0xee};

std::vector<std::byte> pattern(std::size_t bytes, std::size_t seed) {
  std::vector<std::byte> result(bytes);
  for (std::size_t i = 0; i < bytes; ++i) {
    result[i] = static_cast<std::byte>((i * 31 + i / 251 + seed * 7) & 0x7f);
  }
  return result;
}

TEST(Copy, MovesExactlyTheBytesAtAnyAlignment) {
  const auto source = pattern((9u << 20) + 200, 1);
  on_each_target([&] {
    for (const std::size_t bytes :
         {0u, 1u, 7u, 64u, 2047u, 2048u, 2303u, 4096u, 100003u, (9u << 20) + 3}) {
      for (const auto& [shift, streaming] : {std::pair(0u, false), std::pair(1u, true),
                                             std::pair(0u, true), std::pair(63u, false)}) {
        std::vector<std::byte> target(bytes + 192, kUntouched);
        const std::byte* from = source.data() + 64 - shift;
        (streaming ? copy_streaming : copy)(target.data() + shift, from, bytes);
        std::vector<std::byte> wanted(target.size(), kUntouched);
        std::copy_n(source.begin() + static_cast<long>(64 - shift), bytes,
                    wanted.begin() + static_cast<long>(shift));
        ASSERT_TRUE(target == wanted)
            << bytes << " bytes, shifted by " << shift << ", streaming " << streaming;
      }
    }
  });
}

TEST(Copy, StoresOneRowToManyPlaces) {
  on_each_target([&] {
    for (const bool streaming : {false, true}) {
      for (const std::size_t copies : {0u, 1u, 2u, 3u, 8u, 64u}) {
        for (const std::size_t row_bytes : {0u, 3u, 256u, 1000u, 14336u}) {
          const auto source = pattern(row_bytes, copies);
          const std::size_t stride = row_bytes + (copies % 2 == 0 ? 64 - row_bytes % 64 : 9);
          std::vector<std::byte> target(copies * stride, kUntouched);
          std::vector<std::byte> wanted = target;
          std::vector<std::byte*> places;
          for (std::size_t c = 0; c < copies; ++c) {
            places.push_back(target.data() + c * stride);
            std::copy(source.begin(), source.end(), wanted.begin() + static_cast<long>(c * stride));
          }
          copy_row_to_many(places, source.data(), row_bytes, streaming);
          ASSERT_TRUE(target == wanted) << copies << " copies of " << row_bytes << " bytes";
        }
      }
    }
  });
}

}  // namespace
}  // namespace tutti::kernels
