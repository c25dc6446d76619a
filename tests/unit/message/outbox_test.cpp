// What leaves an outbox is what was put into it, in order, whatever a socket takes at once.
#include "transports/message/outbox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace tutti::message {
namespace {

std::vector<std::byte> bytes_of(std::size_t count, unsigned seed) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 3 + seed);
  return bytes;
}

// As a socket would: takes up to `most` bytes.
void take(Outbox& outbox, std::size_t most, std::vector<std::byte>& out) {
  iovec parts[6];
  const std::size_t count = outbox.gather(parts, most);
  std::size_t taken = 0;
  for (std::size_t i = 0; i < count && taken < most; ++i) {
    const std::size_t bytes = std::min(parts[i].iov_len, most - taken);
    const auto* const from = static_cast<const std::byte*>(parts[i].iov_base);
    out.insert(out.end(), from, from + bytes);
    taken += bytes;
  }
  outbox.consume(taken);
}

TEST(Outbox, LetsEverythingOutInOrder) {
  std::mt19937_64 random(3);
  for (const std::size_t most : {1u, 31u, 88u, 5000u, 1u << 20}) {
    Outbox outbox;
    std::vector<std::vector<std::byte>> contents;
    for (unsigned i = 0; i < 100; ++i) contents.push_back(bytes_of(random() % 3 * 700, i));
    std::vector<std::byte> expected, out;
    for (unsigned i = 0; i < 100; ++i) {
      const std::vector<std::byte> head = bytes_of(i % 2 == 0 ? kFrameBytes : 88, i);
      expected.insert(expected.end(), head.begin(), head.end());
      expected.insert(expected.end(), contents[i].begin(), contents[i].end());
      if (i % 3 == 0) {
        outbox.push(head, contents[i]);
      } else {
        outbox.push(head, Outbox::Reference{.bytes = contents[i]});
      }
      if (random() % 2 == 0) take(outbox, most, out);
    }
    while (!outbox.empty()) take(outbox, most, out);
    EXPECT_EQ(out, expected);
    EXPECT_EQ(outbox.pushed(), 100u);
    EXPECT_EQ(outbox.left(), 100u);
  }
}

std::vector<std::byte> head_of(FrameKind kind, std::uint32_t tag, std::uint64_t bytes) {
  std::vector<std::byte> head(kFrameBytes);
  encode(Frame{.kind = kind, .tag = tag, .bytes = bytes},
         std::span<std::byte, kFrameBytes>(head.data(), kFrameBytes));
  return head;
}

std::uint64_t argument_of(const std::vector<std::byte>& out, std::size_t at) {
  return decode_word(std::span<const std::byte, 8>(out.data() + at + 16, 8));
}

// For a network that lets large contents out another way.
TEST(Outbox, TellsALargeFrameApartUntilItBegins) {
  Outbox outbox;
  const std::vector<std::byte> large = bytes_of(5000, 1), small = bytes_of(10, 2);
  const std::vector<std::byte> head = head_of(FrameKind::kPut, 0, large.size());
  outbox.push(head_of(FrameKind::kPut, 0, small.size()), Outbox::Reference{.bytes = small});
  outbox.push(head, Outbox::Reference{.bytes = large});
  EXPECT_TRUE(outbox.head_of_large(1000).empty()) << "it is not its turn";
  iovec parts[6];
  ASSERT_EQ(outbox.gather(parts, 1 << 20, nullptr, 1000), 2U) << "what comes before it";
  outbox.consume(head.size() + small.size());
  const auto seen = outbox.head_of_large(1000);
  EXPECT_TRUE(std::equal(seen.begin(), seen.end(), head.begin(), head.end()));
  EXPECT_TRUE(outbox.head_of_large(5001).empty());
  EXPECT_EQ(outbox.named_content().data(), large.data());
  outbox.consume(head.size());
  EXPECT_TRUE(outbox.head_of_large(1000).empty()) << "it has begun";
  EXPECT_EQ(outbox.named_content().size(), large.size());
  EXPECT_EQ(outbox.left(), 1U);
  outbox.consume(large.size());
  EXPECT_EQ(outbox.left(), 2U);
}

TEST(Outbox, WhatComesAlongOrIsForgottenIsNotLarge) {
  Outbox outbox;
  outbox.push(head_of(FrameKind::kData, 0, 5000), bytes_of(5000, 1));
  EXPECT_TRUE(outbox.head_of_large(1000).empty());
  outbox.consume(kFrameBytes + 5000);
  const std::vector<std::byte> large = bytes_of(5000, 1);
  outbox.push(head_of(FrameKind::kPut, 0, large.size()),
              Outbox::Reference{.bytes = large, .port = 7});
  outbox.forget(7);
  EXPECT_TRUE(outbox.head_of_large(1000).empty());
  EXPECT_TRUE(outbox.named_content().empty());
}

TEST(Outbox, SendsZerosForMemoryThatIsGoneAndSaysSo) {
  for (const bool forgotten : {true, false}) {
    Outbox outbox;
    const std::vector<std::byte> content = bytes_of(200'000, 1);
    outbox.push(head_of(FrameKind::kData, 5, content.size()),
                Outbox::Reference{.bytes = content, .port = 9, .request = 5});
    outbox.push(head_of(FrameKind::kGetEnd, 6, 0),
                Outbox::Reference{.bytes = {}, .port = 0, .request = 6});
    outbox.push(head_of(FrameKind::kGetEnd, 5, 0),
                Outbox::Reference{.bytes = {}, .port = 0, .request = 5});
    std::vector<std::byte> out;
    take(outbox, kFrameBytes + 1000, out);
    if (forgotten) {
      outbox.forget(9);
    } else {
      EXPECT_EQ(outbox.spoil(), 0u);
    }
    while (!outbox.empty()) take(outbox, 70'000, out);
    ASSERT_EQ(out.size(), content.size() + 3 * kFrameBytes);
    EXPECT_TRUE(std::equal(content.begin(), content.begin() + 1000, out.begin() + kFrameBytes));
    EXPECT_TRUE(std::all_of(out.begin() + kFrameBytes + 1000,
                            out.begin() + static_cast<std::ptrdiff_t>(kFrameBytes + content.size()),
                            [](std::byte byte) { return byte == std::byte{}; }));
    const std::size_t ends = kFrameBytes + content.size();
    EXPECT_EQ(argument_of(out, ends), 0u) << "another request's";
    EXPECT_EQ(argument_of(out, ends + kFrameBytes), 1u);
  }
}

TEST(Outbox, NamesThePortWhosePutCannotBeRead) {
  Outbox outbox;
  const std::vector<std::byte> content = bytes_of(100, 1);
  outbox.push(head_of(FrameKind::kPut, 0, content.size()),
              Outbox::Reference{.bytes = content, .port = 4});
  EXPECT_EQ(outbox.spoil(), 4u);
}

}  // namespace
}  // namespace tutti::message
