// Routing generators: deterministic, without replacement, skewed as asked; files are checked.
#include "perf/common/routing.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <stdexcept>

namespace tutti::perf {
namespace {

constexpr RoutingSize kSize{500, 8, 64};

Routing make(const char* spec, int rank = 0, std::uint64_t seed = 1) {
  return make_routing(parse_routing(spec), kSize, seed, rank);
}

std::vector<int> visits(const Routing& routing) {
  std::vector<int> count(64);
  for (const std::int32_t e : routing.experts) ++count.at(static_cast<std::size_t>(e));
  return count;
}

TEST(PerfRouting, ATokenNeverVisitsAnExpertTwice) {
  for (const char* spec : {"uniform", "zipf:1.2", "hot:0.9"}) {
    const Routing routing = make(spec);
    for (std::size_t t = 0; t < 500; ++t) {
      const auto* lanes = routing.experts.data() + 8 * t;
      EXPECT_EQ(std::set<std::int32_t>(lanes, lanes + 8).size(), 8u) << spec << " token " << t;
    }
  }
}

TEST(PerfRouting, SeedAndRankDecideAndNothingElse) {
  EXPECT_EQ(make("uniform").experts, make("uniform").experts);
  EXPECT_NE(make("uniform").experts, make("uniform", 1).experts);
  EXPECT_NE(make("uniform").experts, make("uniform", 0, 2).experts);
}

TEST(PerfRouting, WeightsArePositiveAndAddUpToOne) {
  const Routing routing = make("uniform");
  for (std::size_t t = 0; t < 500; ++t) {
    float sum = 0;
    for (std::size_t k = 0; k < 8; ++k) {
      EXPECT_GT(routing.weights[8 * t + k], 0);
      sum += routing.weights[8 * t + k];
    }
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST(PerfRouting, ZipfFavoursTheSameFewExpertsOnEveryRank) {
  const std::vector<int> here = visits(make("zipf:1.2")), there = visits(make("zipf:1.2", 3));
  const auto hottest = std::max_element(here.begin(), here.end()) - here.begin();
  EXPECT_GT(here[static_cast<std::size_t>(hottest)], 4 * 500 * 8 / 64);
  EXPECT_GT(there[static_cast<std::size_t>(hottest)], 4 * 500 * 8 / 64);
}

TEST(PerfRouting, AHotExpertIsVisitedAsOftenAsAsked) {
  EXPECT_GT(visits(make("hot:0.9"))[0], 400);
  EXPECT_EQ(visits(make("hot:1"))[0], 500);
}

class RoutingFile : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tutti-routing-XXXXXX";
    const int descriptor = mkstemp(name);
    ASSERT_GE(descriptor, 0);
    close(descriptor);
    path_ = name;
  }
  void TearDown() override { unlink(path_.c_str()); }

  Routing read(const std::string& text, int tokens = 2) const {
    std::ofstream(path_) << text;
    return make_routing(parse_routing("file:" + path_), {tokens, 2, 4}, 1, 0);
  }
  std::string complaint(const std::string& text) const {
    try {
      read(text);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  }

  std::string path_;
};

TEST_F(RoutingFile, LinesAreTokensAndRepeatAtTheEnd) {
  EXPECT_EQ(read("0 3\n-1 2\n", 3).experts, (std::vector<std::int32_t>{0, 3, -1, 2, 0, 3}));
}

TEST_F(RoutingFile, AWrongLineIsNamedWithWhatIsWrong) {
  EXPECT_NE(complaint("0 1\n2 4\n").find("line 2: expert 4"), std::string::npos);
  EXPECT_NE(complaint("0 one\n").find("line 1: 'one'"), std::string::npos);
  EXPECT_NE(complaint("0 1\n1\n").find("line 2: 1 ids where top-k is 2"), std::string::npos);
  EXPECT_NE(complaint("3 3\n").find("expert 3 occurs twice"), std::string::npos);
  EXPECT_NE(complaint("").find("is empty"), std::string::npos);
}

TEST_F(RoutingFile, AMissingFileIsNamed) {
  EXPECT_THROW(make_routing(parse_routing("file:/nowhere"), {1, 2, 4}, 1, 0),
               std::invalid_argument);
}

TEST(PerfRouting, UnknownKindsAreRejected) {
  for (const char* text :
       {"", "unifrom", "zipf", "zipf:", "zipf:-1", "hot:1.5", "hot:x", "file:"}) {
    EXPECT_THROW(parse_routing(text), std::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace tutti::perf
