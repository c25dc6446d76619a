// Frames are what they were when they were sent, and nothing else is a frame.
#include "transports/message/frame.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tutti::message {
namespace {

Frame parsed(const FrameBytes& bytes) {
  std::string complaint;
  const std::optional<Frame> frame = parse(bytes, complaint);
  EXPECT_TRUE(frame) << complaint;
  return frame.value_or(Frame{});
}

std::string complaint_about(const FrameBytes& bytes) {
  std::string complaint;
  EXPECT_FALSE(parse(bytes, complaint));
  return complaint;
}

TEST(Frames, AreLittleEndianWhateverTheMachine) {
  FrameBytes bytes;
  encode(Frame{.kind = FrameKind::kPut,
               .window = 1,
               .port = 0x04030201,
               .rank = 0x14131211,
               .tag = 0x24232221,
               .argument = 0x3837363534333231,
               .bytes = 0x01020304},
         bytes);
  const unsigned char expected[kFrameBytes] = {1,    1,    0,    0,    1,    2,    3,    4,
                                               0x11, 0x12, 0x13, 0x14, 0x21, 0x22, 0x23, 0x24,
                                               0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38,
                                               4,    3,    2,    1,    0,    0,    0,    0};
  for (std::size_t i = 0; i < kFrameBytes; ++i) {
    EXPECT_EQ(static_cast<unsigned char>(bytes[i]), expected[i]) << "byte " << i;
  }
  const Frame frame = parsed(bytes);
  EXPECT_EQ(frame.port, 0x04030201u);
  EXPECT_EQ(frame.argument, 0x3837363534333231u);
  EXPECT_EQ(frame.bytes, 0x01020304u);
}

TEST(Frames, OfImpossibleLengthsAreNone) {
  struct Case {
    FrameKind kind;
    std::uint64_t bytes;
  };
  for (const auto& [kind, length] : {Case{FrameKind::kPut, 0},
                                     {FrameKind::kPut, kMostContentBytes + 1},
                                     {FrameKind::kData, ~std::uint64_t{0}},
                                     {FrameKind::kPost, kPostBytes - 1},
                                     {FrameKind::kPost, kPostBytes + 1},
                                     {FrameKind::kGet, 0},
                                     {FrameKind::kGet, 17},
                                     {FrameKind::kGet, kMostWholeBytes + kRangeBytes},
                                     {FrameKind::kGetEnd, 1},
                                     {FrameKind::kFailure, 7},
                                     {FrameKind::kNews, kMostWholeBytes + 1}}) {
    FrameBytes bytes;
    encode(Frame{.kind = kind, .bytes = length}, bytes);
    EXPECT_FALSE(complaint_about(bytes).empty()) << static_cast<int>(kind) << " of " << length;
  }
}

TEST(Frames, OfUnknownKindsAndWindowsAreNone) {
  FrameBytes bytes;
  for (const unsigned kind : {0u, 13u, 255u}) {
    encode(Frame{.kind = static_cast<FrameKind>(kind)}, bytes);
    EXPECT_NE(complaint_about(bytes).find("kind " + std::to_string(kind)), std::string::npos);
  }
  encode(Frame{.kind = FrameKind::kPut, .window = kWindows, .bytes = 8}, bytes);
  EXPECT_NE(complaint_about(bytes).find("window"), std::string::npos);
  encode(Frame{.kind = FrameKind::kPut, .bytes = 8}, bytes);
  bytes[3] = std::byte{1};
  EXPECT_NE(complaint_about(bytes).find("reserved"), std::string::npos);
}

// Whatever comes: a frame within its limits, or a complaint.
TEST(Frames, AnyBytesAreAFrameOrAComplaint) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 100'000; ++i) {
    FrameBytes bytes;
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    bytes[0] = static_cast<std::byte>(random() % 12);
    if (random() % 2 == 0) bytes[2] = bytes[3] = std::byte{};
    if (random() % 2 == 0) {
      for (std::size_t at = 26; at < kFrameBytes; ++at) bytes[at] = std::byte{};
    }
    std::string complaint;
    const std::optional<Frame> frame = parse(bytes, complaint);
    ASSERT_NE(frame.has_value(), !complaint.empty());
    if (frame) {
      ASSERT_LE(frame->bytes, is_whole(frame->kind) ? kMostWholeBytes : kMostContentBytes);
    }
  }
}

}  // namespace
}  // namespace tutti::message
