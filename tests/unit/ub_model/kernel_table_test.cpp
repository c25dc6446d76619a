// How long a kernel takes: at its points, between and beyond them.
#include "transports/ub/model/kernel_table.hpp"

#include <gtest/gtest.h>

#include "tests/support/complaint.hpp"
#include "traffic.hpp"
#include "transports/ub/model/profile.hpp"
#include "transports/ub/model/rate.hpp"
#include "tutti/error.hpp"

namespace tutti::ub::test {
namespace {

using tutti::test::complaint_of;

// A profile whose only kernels are these.
std::string with_kernels(const std::string& kernels) {
  return with("h800-ib", "\"calibration\"", "\"kernels\": [" + kernels + "], \"calibration\"");
}

// In no order.
constexpr const char* kGemm = R"({"kernel": "gemm", "source": "s", "dimensions": ["rows", "inner"],
  "points": [
    {"shape": {"rows": 24, "inner": 64}, "ns": 200.0001},
    {"shape": {"rows": 8, "inner": 128}, "ns": 300},
    {"shape": {"rows": 8, "inner": 64}, "ns": 100},
    {"shape": {"rows": 32, "inner": 64}, "ns": 190}]})";

std::int64_t time(const KernelTable& table, std::int64_t rows, std::int64_t inner) {
  const std::int64_t shape[] = {rows, inner};
  return table.time(shape).count();
}

TEST(KernelTable, AnswersByTheRuleOfItsHeader) {
  const Profile profile = parse_profile(with_kernels(kGemm), "mine.json");
  ASSERT_EQ(profile.kernels.size(), 1U);
  const KernelTable& gemm = profile.kernels[0];
  EXPECT_EQ(gemm.kernel, "gemm");
  EXPECT_EQ(time(gemm, 8, 64), 100'000);
  EXPECT_EQ(time(gemm, 24, 64), 200'001) << "rounded up once";
  EXPECT_EQ(time(gemm, 8, 128), 300'000);
  EXPECT_EQ(time(gemm, 9, 64), 106'251) << "100000 + 100001 / 16, rounded up";
  EXPECT_EQ(time(gemm, 28, 64), 195'001) << "a larger shape may be faster; still rounded up";
  EXPECT_EQ(time(gemm, 0, 64), 100'000) << "the smallest time";
  EXPECT_EQ(time(gemm, 7, 64), 100'000);
  EXPECT_EQ(time(gemm, 33, 64), 195'938) << "190000 * 33 / 32, rounded up";
  EXPECT_EQ(time(gemm, 16, 128), 600'000);
  EXPECT_EQ(time(gemm, 1'000'000'000, 128), 37'500'000'000'000);
}

TEST(KernelTable, EndsWhereTimeDoes) {
  KernelTable table{.kernel = "long",
                    .dimensions = {"rows"},
                    .points = {{.shape = {1}, .time = Picoseconds(kLongestTime)}}};
  const std::int64_t shape[] = {KernelTable::kLargest};
  EXPECT_EQ(table.time(shape).count(), kLongestTime);
}

TEST(KernelTable, RefusesWhatItHasNoAnswerFor) {
  const Profile profile = parse_profile(with_kernels(kGemm), "mine.json");
  const KernelTable& gemm = profile.kernels[0];
  EXPECT_EQ(complaint_of([&] { time(gemm, 8, 65); }),
            "kernel 'gemm' has no point for the shape [8, 65]: beside 'rows' a shape is that of a "
            "point");
  EXPECT_EQ(complaint_of([&] { time(gemm, -1, 64); }),
            "kernel 'gemm' has the dimensions [rows, inner], from 0 to 1000000000 each; not the "
            "shape [-1, 64]");
  EXPECT_EQ(complaint_of([&] { gemm.time({}); }),
            "kernel 'gemm' has the dimensions [rows, inner], from 0 to 1000000000 each; not the "
            "shape []");
}

TEST(KernelTable, AWrongOneGetsItsSentence) {
  const std::string twice = std::string(kGemm) + ", " + kGemm;
  const auto gemm = [](const std::string& points) {
    return R"({"kernel": "gemm", "source": "s", "dimensions": ["rows"], "points": [)" + points +
           "]}";
  };
  const std::pair<std::string, const char*> cases[] = {
      {twice, "mine.json: /kernels/1/kernel: a second kernel 'gemm'"},
      {R"({"kernel": "gemm", "dimensions": ["rows"], "points": []})",
       "mine.json: /kernels/0/source: is missing; expected a text that is not empty"},
      {R"({"kernel": "gemm", "source": "s", "dimensions": ["rows", "rows"], "points": []})",
       "mine.json: /kernels/0/dimensions: a second dimension 'rows'"},
      {gemm(""), "mine.json: /kernels/0/points: expected at least one, found none"},
      {gemm(R"({"shape": {"rows": 0}, "ns": 1})"),
       "mine.json: /kernels/0/points/0/shape/rows: expected a whole number from 1 to 1000000000, "
       "found 0"},
      {gemm(R"({"shape": {"rows": 1, "columns": 2}, "ns": 1})"),
       "mine.json: /kernels/0/points/0/shape/columns: no such field; expected one of rows"},
      {gemm(R"({"shape": {"rows": 1}, "ns": -1})"),
       "mine.json: /kernels/0/points/0/ns: expected a number of at least 0, found -1"},
      {gemm(R"({"shape": {"rows": 1}, "ns": 1}, {"shape": {"rows": 1}, "ns": 2})"),
       "mine.json: /kernels/0/points/1/shape: a second point of this shape"},
  };
  for (const auto& [kernels, sentence] : cases) {
    EXPECT_EQ(complaint_of([&] { parse_profile(with_kernels(kernels), "mine.json"); }), sentence);
  }
}

}  // namespace
}  // namespace tutti::ub::test
