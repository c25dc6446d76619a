// What a simulated run is said to need before it starts.
#include "perf/tutti_perf/memory_need.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tutti/error.hpp>

namespace tutti::perf {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kGiB = 1024 * kMiB;

Options options_of(std::vector<const char*> words) {
  words.insert(words.begin(), "tutti-perf");
  return parse_options(static_cast<int>(words.size()), words.data());
}

TEST(MemoryNeed, BuffersOfEveryRankCount) {
  const Options options = options_of({"all_reduce", "-b", "8", "-e", "32M"});
  EXPECT_EQ(memory_need(options, 10).data, std::size_t{10} * 3 * 32 * kMiB);
  EXPECT_EQ(memory_need(options_of({"barrier"}), 10).data, 0u);
  EXPECT_GT(memory_need(options, 384).library, 384 * kMiB);
}

TEST(MemoryNeed, MoeNeedsItsRowsWhereTheyComeFromAndWhereTheyGo) {
  const Options options =
      options_of({"moe", "--tokens", "16", "--hidden", "1024", "--topk", "4", "--experts", "8"});
  const std::size_t row = std::size_t{2} * 1024;
  EXPECT_EQ(memory_need(options, 8).data, std::size_t{8} * (16 + 16 * 4 + 16) * row);
  const Options more =
      options_of({"moe", "--tokens", "32", "--hidden", "1024", "--topk", "4", "--experts", "8"});
  EXPECT_EQ(memory_need(more, 8).data, 2 * memory_need(options, 8).data);
}

TEST(MemoryNeed, ATimingOnlyRunNeedsWhatWasMeasuredAndLessThanTwiceThat) {
  struct Measured {
    int ranks;
    const char *tokens, *topk;
    double gib;
  };
  for (const Measured& m : {Measured{64, "128", "8", 0.06},
                            {384, "8", "8", 0.55},
                            {384, "128", "8", 0.81},
                            {384, "1024", "8", 2.27},
                            {384, "128", "32", 1.33},
                            {768, "128", "8", 2.83}}) {
    SCOPED_TRACE(testing::Message()
                 << m.ranks << " ranks, " << m.tokens << " tokens, top-" << m.topk);
    const MemoryNeed need =
        memory_need(options_of({"moe", "--tokens", m.tokens, "--topk", m.topk, "--fabric",
                                "cloudmatrix384", "--ranks", "384", "--timing-only"}),
                    m.ranks);
    const double gib = static_cast<double>(need.total()) / static_cast<double>(kGiB);
    EXPECT_EQ(need.data, 0u);
    EXPECT_GT(gib, m.gib);
    EXPECT_LT(gib, 2 * m.gib);
  }
}

TEST(MemoryNeed, WhatDoesNotFitIsRefusedWithBothNumbers) {
  const Options options = options_of({"all_to_all", "-b", "1G"});
  EXPECT_NO_THROW(check_memory(options, 4, 16 * kGiB));
  EXPECT_NO_THROW(check_memory(options, 4, 0)) << "not known";
  try {
    check_memory(options, 64, 16 * kGiB);
    FAIL() << "192 GiB are not in 16";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiSystemError);
    EXPECT_THAT(error.what(), testing::HasSubstr("(192.0 for data"));
    EXPECT_THAT(error.what(), testing::HasSubstr("16.0 GiB are available"));
  }
}

}  // namespace
}  // namespace tutti::perf
