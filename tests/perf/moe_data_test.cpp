// What dispatch must deliver and combine must return, on a routing small enough to write down.
#include "perf/tutti_perf/moe_data.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstring>

namespace tutti::perf {
namespace {

// Two ranks, two tokens each, top-2 of four experts: 0 and 1 live on rank 0, 2 and 3 on rank 1.
std::vector<Routing> routings() {
  return {{2, 2, {0, 2, 1, 0}, {0.25F, 0.75F, 0.5F, 0.5F}},
          {2, 2, {3, -1, 2, 1}, {1.0F, 0.0F, 0.125F, 0.875F}}};
}

MoeCase make_case(const char* layout, const char* rows_per, int rank) {
  Options options;
  options.moe.tokens = 2;
  options.moe.hidden = 4;
  options.moe.topk = 2;
  options.moe.experts = 4;
  options.moe.layout = layout;
  options.moe.rows_per = rows_per;
  return make_moe_case(options, rank, 2);
}

std::vector<std::array<int, 3>> places(const MoeCase& c) {
  std::vector<std::array<int, 3>> list;
  for (const Arrival& a : arrivals_of(c, routings())) {
    list.push_back({a.rank, static_cast<int>(a.token), static_cast<int>(a.lane)});
  }
  return list;
}

using Places = std::vector<std::array<int, 3>>;

TEST(PerfMoeData, RowsArriveBySourceTokenAndLane) {
  EXPECT_EQ(places(make_case("token", "rank", 0)), (Places{{0, 0, 0}, {0, 1, 0}, {1, 1, 1}}));
  EXPECT_EQ(places(make_case("token", "lane", 0)),
            (Places{{0, 0, 0}, {0, 1, 0}, {0, 1, 1}, {1, 1, 1}}));
  EXPECT_EQ(places(make_case("token", "rank", 1)), (Places{{0, 0, 1}, {1, 0, 0}, {1, 1, 0}}));
}

TEST(PerfMoeData, ExpertLayoutGroupsByExpertFirst) {
  EXPECT_EQ(places(make_case("expert", "rank", 0)),
            (Places{{0, 0, 0}, {0, 1, 1}, {0, 1, 0}, {1, 1, 1}}));
}

TEST(PerfMoeData, RowsTravelOncePerRankOrPerLane) {
  const auto rows = [](const char* layout, const char* rows_per, bool dispatching) {
    const Travel t = count_travel(make_case(layout, rows_per, 0), routings(), dispatching);
    return std::array<std::size_t, 3>{t.lanes, t.rows, t.rows_to_others};
  };
  using Counts = std::array<std::size_t, 3>;
  EXPECT_EQ(rows("token", "rank", true), (Counts{7, 6, 2}));
  EXPECT_EQ(rows("token", "lane", true), (Counts{7, 7, 2}));
  EXPECT_EQ(rows("expert", "rank", true), (Counts{7, 6, 2}));
  EXPECT_EQ(rows("expert", "rank", false), (Counts{7, 7, 2}));
}

struct Delivered {
  std::vector<std::byte> rows, side;
  std::vector<std::int32_t> ids;
  std::vector<float> weights;
  tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
};

// A right delivery in layout TOKEN on rank 0, built by hand.
Delivered deliver_to_rank_0() {
  Delivered d;
  for (int source = 0; source < 2; ++source) {
    std::vector<std::byte> rows(16);
    fill_rows(make_case("token", "rank", source), rows.data(), nullptr);
    d.rows.insert(d.rows.end(), rows.begin() + (source == 0 ? 0 : 8), rows.end());
  }
  d.ids = {0, -1, 1, 0, -1, 1};
  d.weights = {0.25F, 0, 0.5F, 0.5F, 0, 0.875F};
  d.output.rows = d.rows.data();
  d.output.ids = d.ids.data();
  d.output.weights = d.weights.data();
  d.output.num_rows = 3;
  return d;
}

std::size_t wrong_in(const Delivered& d) {
  const MoeCase c = make_case("token", "rank", 0);
  return count_wrong_dispatch(c, routings(), arrivals_of(c, routings()), d.output);
}

TEST(PerfMoeData, ARightDeliveryPassesAndEveryFaultIsCounted) {
  Delivered d = deliver_to_rank_0();
  EXPECT_EQ(wrong_in(d), 0u);
  d.ids[1] = 0;
  EXPECT_EQ(wrong_in(d), 1u);
  d.weights[0] = 0.5F;
  EXPECT_EQ(wrong_in(d), 2u);
  std::swap_ranges(d.rows.begin(), d.rows.begin() + 8, d.rows.begin() + 8);
  EXPECT_GT(wrong_in(d), 4u);
  d.output.num_rows = 2;
  EXPECT_GT(wrong_in(d), 0u);
}

float bf16(const std::byte* row, std::size_t index) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, row + 2 * index, 2);
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::size_t wrong_sums(const MoeCase& c, float first, float second) {
  std::vector<std::byte> rows(16), out(16);
  fill_rows(c, rows.data(), nullptr);
  for (std::size_t i = 0; i < 8; ++i) {
    // Products and sums of these few bits are exact in BF16's 8 bits or rounded once, to even.
    const float sum = bf16(rows.data(), i) * (i < 4 ? first : second);
    auto bits = std::bit_cast<std::uint32_t>(sum);
    bits += 0x7fff + ((bits >> 16) & 1);
    const auto half = static_cast<std::uint16_t>(bits >> 16);
    std::memcpy(out.data() + 2 * i, &half, 2);
  }
  return count_wrong_combine(c, routings()[static_cast<std::size_t>(c.rank)], out.data());
}

// The stand-in for expert e multiplies by 2^(e mod 3), in TOKEN that for rank r by 2^(r mod 3).
TEST(PerfMoeData, CombineWeighsAndAddsTheExpertsResults) {
  EXPECT_EQ(wrong_sums(make_case("expert", "rank", 0), 0.25F * 1 + 0.75F * 4, 0.5F * 2 + 0.5F * 1),
            0u);
  EXPECT_EQ(wrong_sums(make_case("token", "rank", 0), 1 + 2, 1), 0u);
  EXPECT_GT(wrong_sums(make_case("token", "rank", 0), 2, 1), 0u);
}

TEST(PerfMoeData, QuantisedRowsCarryScales) {
  Options options;
  options.moe.hidden = 129;
  options.moe.dispatch_type = "fp8";
  EXPECT_EQ(side_bytes(make_moe_case(options, 0, 2)), 8u);
  EXPECT_EQ(row_bytes(make_moe_case(options, 0, 2)), 129u);
  options.moe.dispatch_type = "int8";
  EXPECT_EQ(side_bytes(make_moe_case(options, 0, 2)), 4u);
}

}  // namespace
}  // namespace tutti::perf
