#include "transports/ub/engine/digest.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace tutti::ub {
namespace {

using Record = Digest::Record;

std::uint64_t digest_of(const std::vector<Record>& records) {
  Digest digest;
  for (const Record& record : records) digest.fold(record);
  return digest.value();
}

TEST(Digest, IsTheSameNumberEverywhere) {
  EXPECT_EQ(digest_of({}), 0u);
  Digest digest;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    digest.fold({.time = Picoseconds(std::int64_t{i} * 1'234'567),
                 .rank = static_cast<std::int32_t>(i % 384) - 1,
                 .kind = i % 7,
                 .bytes = std::uint64_t{i} << (i % 40)});
  }
  EXPECT_EQ(digest.records(), 1000u);
  EXPECT_EQ(digest.value(), 5460672505349307863U);
}

TEST(Digest, FollowsTheWrittenDefinition) {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15u;
  const auto mix = [](std::uint64_t x) {
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    x ^= x >> 31;
    return x;
  };
  const std::uint64_t b = mix((std::uint64_t{0xffffffffu} << 32 | 3) + 2 * kGolden);
  const std::uint64_t c = mix(512 + 3 * kGolden);
  const std::uint64_t r = mix(70 + kGolden) + (b << 21 | b >> 43) + (c << 42 | c >> 22);
  EXPECT_EQ(digest_of({{.time = Picoseconds(70), .rank = -1, .kind = 3, .bytes = 512}}),
            mix(mix(r) ^ 1));
}

TEST(Digest, EveryFieldCounts) {
  const Record base{.time = Picoseconds(5), .rank = 1, .kind = 2, .bytes = 3};
  Record time = base, rank = base, kind = base, bytes = base;
  time.time = Picoseconds(6);
  rank.rank = 2;
  kind.kind = 3;
  bytes.bytes = 4;
  std::set<std::uint64_t> seen;
  const std::vector<std::vector<Record>> runs = {{},     {base},  {base, base}, {time},      {rank},
                                                 {kind}, {bytes}, {base, time}, {base, rank}};
  for (const auto& run : runs) seen.insert(digest_of(run));
  EXPECT_EQ(seen.size(), runs.size());
}

TEST(Digest, TheOrderOfFoldingDoesNot) {
  std::vector<Record> records;
  for (std::int64_t i = 0; i < 100; ++i) {
    records.push_back({.time = Picoseconds(i / 3), .rank = static_cast<std::int32_t>(i % 7)});
  }
  const std::uint64_t forwards = digest_of(records);
  std::reverse(records.begin(), records.end());
  EXPECT_EQ(digest_of(records), forwards);
}

TEST(Digest, AZeroRecordIsSeenToo) {
  EXPECT_NE(digest_of({Record{}}), digest_of({}));
  EXPECT_NE(digest_of({Record{}, Record{}}), digest_of({Record{}}));
}

}  // namespace
}  // namespace tutti::ub
