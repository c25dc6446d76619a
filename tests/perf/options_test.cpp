// The command line of tutti-perf: what is accepted and what a wrong value is told.
#include "perf/tutti_perf/options.hpp"

#include <gtest/gtest.h>

namespace tutti::perf {
namespace {

Options parse(std::vector<const char*> words) {
  words.insert(words.begin(), "tutti-perf");
  return parse_options(static_cast<int>(words.size()), words.data());
}

// The text with which the words are rejected; empty when they are accepted.
std::string rejection(const std::vector<const char*>& words) {
  try {
    parse(words);
  } catch (const OptionsExit& exit) {
    EXPECT_NE(exit.code, 0);
    return exit.text;
  }
  return "";
}

TEST(PerfOptions, SizesTakeSuffixesAsInNcclTests) {
  const Options options = parse({"all_reduce", "-b", "4K", "-e", "2M", "-f", "4"});
  EXPECT_EQ(options.sweep.begin_bytes, 4096u);
  EXPECT_EQ(options.sweep.end_bytes, 2u << 20);
  EXPECT_EQ(sweep_sizes(options.sweep),
            (std::vector<std::size_t>{4096, 16384, 65536, 262144, 1048576}));
}

TEST(PerfOptions, StepBytesReplaceTheFactor) {
  const Options options = parse({"all_reduce", "-b", "8", "-e", "32", "-i", "8"});
  EXPECT_EQ(sweep_sizes(options.sweep), (std::vector<std::size_t>{8, 16, 24, 32}));
}

TEST(PerfOptions, OneSizeIsEnoughAndNoneMeansASweep) {
  EXPECT_EQ(sweep_sizes(parse({"all_reduce", "-b", "1G"}).sweep),
            (std::vector<std::size_t>{std::size_t{1} << 30}));
  EXPECT_EQ(sweep_sizes(parse({"all_reduce"}).sweep).size(), 23u);
  EXPECT_EQ(sweep_sizes(parse({"all_reduce", "-e", "32"}).sweep).size(), 3u);
}

TEST(PerfOptions, AllMeansEveryTypeOperatorAndOperation) {
  const Options options = parse({"all", "-d", "all", "-o", "all"});
  EXPECT_EQ(options.types.size(), 12u);
  EXPECT_EQ(options.redops.size(), 5u);
  EXPECT_EQ(options.ops.size(), 14u);
}

TEST(PerfOptions, NamesOfNcclTestsAndOfTuttiAreBothTypes) {
  EXPECT_EQ(parse_data_type("half"), tuttiFloat16);
  EXPECT_EQ(parse_data_type("float16"), tuttiFloat16);
  EXPECT_EQ(parse_data_type("bfloat16"), tuttiBfloat16);
  EXPECT_EQ(parse_data_type("fp8_e4m3"), tuttiFloat8e4m3);
}

TEST(PerfOptions, WrongValuesAreNamedWithTheirOption) {
  EXPECT_NE(rejection({"all_reduce", "-b", "8Q"}).find("-b: '8Q'"), std::string::npos);
  EXPECT_NE(rejection({"all_reduce", "-b", "2M", "-e", "1M"}).find("-e 1M is smaller than -b 2M"),
            std::string::npos);
  EXPECT_NE(rejection({"all_reduce", "-d", "decimal"}).find("'decimal'"), std::string::npos);
  EXPECT_NE(rejection({"all_reduce", "-o", "xor"}).find("'xor'"), std::string::npos);
  EXPECT_NE(rejection({"all_reduce", "-f", "1"}).find("-f: '1'"), std::string::npos);
  EXPECT_NE(rejection({"all_reduce", "-i", "0"}).find("-i 0"), std::string::npos);
  EXPECT_NE(rejection({"all_redcue"}).find("'all_redcue'"), std::string::npos);
  EXPECT_NE(rejection({"reduce", "-r", "2", "--ranks", "2"}).find("-r 2"), std::string::npos);
  EXPECT_NE(rejection({"moe", "--topk", "9", "--experts", "8"}).find("--topk 9"),
            std::string::npos);
  EXPECT_NE(rejection({"moe", "--routing", "zipf:x"}).find("zipf:x"), std::string::npos);
  EXPECT_NE(rejection({"all_reduce", "--mode", "fast"}).find("fast"), std::string::npos);
  EXPECT_NE(rejection({"all_reduce", "--threads"}).find("--ranks"), std::string::npos);
  EXPECT_NE(rejection({"all_reduce", "--colour"}).find("--colour"), std::string::npos);
  EXPECT_NE(rejection({}).find("OP"), std::string::npos);
}

TEST(PerfOptions, TheLastOfRepeatedOptionsCounts) {
  EXPECT_EQ(parse({"moe", "--tokens", "5", "--tokens", "0"}).moe.tokens, 0);
}

TEST(PerfOptions, HelpExitsWithoutAnError) {
  try {
    parse({"--help"});
    FAIL() << "help did not exit";
  } catch (const OptionsExit& exit) {
    EXPECT_EQ(exit.code, 0);
    EXPECT_NE(exit.text.find("reduce_scatterv"), std::string::npos);
  }
}

TEST(PerfOptions, AFabricHasOptionsAndDefaultsOfItsOwn) {
  const Options options = parse({"moe",
                                 "--fabric",
                                 "cloudmatrix384",
                                 "--ranks",
                                 "40",
                                 "--per",
                                 "die",
                                 "--nodes",
                                 "7,0-2",
                                 "--level",
                                 "cell",
                                 "--cell-bytes",
                                 "512",
                                 "--set",
                                 "planes=6",
                                 "--set",
                                 "straggler=3:150",
                                 "--reorder-seed",
                                 "9",
                                 "--jitter",
                                 "20",
                                 "--jitter-seed",
                                 "77"});
  EXPECT_EQ(options.fabric.name, "cloudmatrix384");
  EXPECT_EQ(options.fabric.per, "die");
  EXPECT_EQ(options.fabric.nodes, (std::vector<int>{7, 0, 1, 2}));
  EXPECT_EQ(options.fabric.settings, (std::vector<std::string>{"planes=6", "straggler=3:150"}));
  EXPECT_EQ(options.samples, 3);
  EXPECT_EQ(options.warmup, 1);
  EXPECT_TRUE(options.latency);
  std::vector<const char*> settings;
  const tuttiSimConfig_t config = sim_config(options.fabric, settings);
  EXPECT_EQ(config.level, tuttiSimCell);
  EXPECT_EQ(config.cell_bytes, 512);
  EXPECT_EQ(config.num_nodes, 4);
  EXPECT_EQ(config.num_settings, 2);
  EXPECT_STREQ(config.settings[1], "straggler=3:150");
  EXPECT_EQ(config.reorder_seed, 9u);
  EXPECT_EQ(config.jitter_percent, 20);
  EXPECT_EQ(config.jitter_seed, 77u);
  const Options plain = parse({"moe", "--fabric", "ideal", "--ranks", "2"});
  EXPECT_EQ(sim_config(plain.fabric, settings).jitter_percent, -1) << "the profile's";
  EXPECT_FALSE(parse({"moe", "--fabric", "ideal", "--ranks", "2", "--mode", "throughput"}).latency);
  EXPECT_EQ(parse({"moe", "--fabric", "ideal", "--ranks", "2", "-n", "7"}).samples, 7);
  EXPECT_EQ(parse({"moe", "--ranks", "2"}).samples, 20);
}

TEST(PerfOptions, WhatAFabricDoesNotHaveIsRefusedInASentence) {
  const auto expect = [](const std::vector<const char*>& words, const char* sentence) {
    EXPECT_NE(rejection(words).find(sentence), std::string::npos) << rejection(words);
  };
  expect({"moe", "--fabric", "ideal"}, "--fabric needs --ranks");
  expect({"moe", "--fabric", "ideal", "--ranks", "2", "--threads"}, "--threads: ranks on");
  expect({"moe", "--fabric", "ideal", "--ranks", "2", "--no-pin"}, "--no-pin: ranks on");
  expect({"moe", "--fabric", "ideal", "--ranks", "2", "--transport", "shm"}, "--transport shm");
  expect({"moe", "--fabric", "ideal", "--ranks", "2", "--cell-bytes", "512"}, "needs --level cell");
  expect({"moe", "--fabric", "ideal", "--ranks", "2", "--nodes", "1-x"}, "'x' in '1-x'");
  expect({"moe", "--fabric", "ideal", "--ranks", "2", "--nodes", "3-1"}, "runs backwards");
  expect({"moe", "--fabric", "ideal", "--ranks", "2", "--nodes", "1,"}, "'' in '1,'");
  expect({"moe", "--fabric", "ideal", "--ranks", "2", "--level", "atom"}, "--level");
  expect({"moe", "--ranks", "2", "--set", "planes=6"}, "--set requires --fabric");
  expect({"moe", "--ranks", "2", "--jitter", "6"}, "--jitter requires --fabric");
  expect({"moe", "--fabric", "ideal", "--ranks", "2", "--jitter", "101"}, "--jitter: ");
  expect({"moe", "--fabric", "ideal", "--ranks", "2", "--jitter", "-1"}, "--jitter: ");
  expect({"moe", "--fabric", "ideal", "--ranks", "2", "--jitter-seed", "many"}, "--jitter-seed");
  expect({"p2p"}, "p2p needs --fabric");
  expect({"p2p", "--fabric", "ideal", "--op", "sum"}, "--op sum: p2p has put and view");
  expect({"p2p", "--fabric", "ideal", "-d", "half"}, "--datatype: p2p moves bytes");
}

}  // namespace
}  // namespace tutti::perf
