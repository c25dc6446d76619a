// Every post, wait, credit and epoch check of our algorithms, left out: somebody must notice, or
// the list below must say why nobody need.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/races/race_run.hpp"
#include "tests/support/scale.hpp"

namespace tutti::test {
namespace {

// A call in the source, by what it does: several with one mark in one line count as one.
struct Site {
  Sync sync = Sync::kPost;
  std::string file;
  std::uint_least32_t line = 0;
  unsigned mark = 0;
  std::string function;

  auto key() const { return std::tie(sync, file, line, mark); }
  friend bool operator<(const Site& a, const Site& b) { return a.key() < b.key(); }
};

const char* name_of(Sync sync) {
  switch (sync) {
    case Sync::kPost:
      return "post";
    case Sync::kWait:
      return "wait";
    case Sync::kCredit:
      return "credit";
    case Sync::kEpoch:
      return "epoch";
  }
  return "";
}

Site site_of(Sync sync, const SyncPlace& place) {
  const std::string_view path = place.where.file_name();
  return {.sync = sync,
          .file = std::string(path.substr(path.rfind('/') + 1)),
          .line = place.where.line(),
          .mark = place.mark,
          .function = place.where.function_name()};
}

std::string text_of(const Site& site) {
  return fmt::format("{} of mark {} at {}:{} ({})", name_of(site.sync), site.mark, site.file,
                     site.line, site.function);
}

class Listing final : public ub::SyncFilter {
 public:
  bool leaves_out(Sync sync, const SyncPlace& place, int) override {
    ++sites[site_of(sync, place)];
    return false;
  }
  std::map<Site, int> sites;  // and how often they are asked for
};

class LeavingOut final : public ub::SyncFilter {
 public:
  explicit LeavingOut(const Site& site) : site_(site) {}
  bool leaves_out(Sync sync, const SyncPlace& place, int) override {
    return sync == site_.sync && place.mark == site_.mark && place.where.line() == site_.line &&
           std::string_view(place.where.file_name()).ends_with(site_.file);
  }

 private:
  Site site_;
};

// What may be left out, with the reason why.
struct Redundant {
  Sync sync;
  std::string_view file;
  std::string_view function;  // a part of its name
  int mark;                   // -1: any
  std::string_view scenario;  // a part of its name; empty: any
  std::string_view reason;
};

constexpr Redundant kRedundant[] = {
    {Sync::kCredit, "point_to_point.cpp", "advance_send", -1, "messages in place",
     "the sender has waited until each message before was taken"},
    {Sync::kCredit, "point_to_point.cpp", "advance_send", -1, "messages staged",
     "the sender has waited until each message before was taken"},
    {Sync::kPost, "channel.cpp", "tell_credits", -1, "streams",
     "every rank waits for both streams in every round, and each line of the next one brings "
     "credit"},
    {Sync::kPost, "channel.cpp", "tell_credits", -1, "moe ",
     "every rank posts to every other one in each operation, and what it has completed is in "
     "there"},
    {Sync::kPost, "channel.cpp", "tell_credits", -1, "gather exchange_push",
     "lines go both ways between the root and each rank, with credit in them, and no others go"},
    {Sync::kPost, "channel.cpp", "tell_credits", -1, "scatter exchange_push",
     "lines go both ways between the root and each rank, with credit in them, and no others go"},
    {Sync::kWait, "scatter_gather.cpp", "await", 2, "private",
     "who says that it has got the root's own share has got its own before"},
    {Sync::kEpoch, "two_level.cpp", "run", 0, "two_level",
     "an older entry means the same and tells of less credit; marks of chunks order all else"},
    {Sync::kWait, "two_level.cpp", "run", 0, "in chunks",
     "two operations need no credit; marks of chunks order all else"},
};

const Redundant* redundancy_of(const Site& site, const Scenario& scenario) {
  for (const Redundant& each : kRedundant) {
    if (each.sync == site.sync && site.file == each.file &&
        site.function.find(each.function) != std::string::npos &&
        (each.mark < 0 || static_cast<unsigned>(each.mark) == site.mark) &&
        scenario.name.find(each.scenario) != std::string::npos) {
      return &each;
    }
  }
  return nullptr;
}

constexpr std::uint64_t kListingSeeds = kSanitized ? 1 : 4;
constexpr std::uint64_t kMutationSeeds = 6;  // most are noticed in the first

class Mutations : public testing::TestWithParam<std::size_t> {};

TEST_P(Mutations, AreNoticed) {
  const Scenario& scenario = scenarios()[GetParam()];
  Listing listing;
  for (std::uint64_t seed = 1; seed <= kListingSeeds; ++seed) {
    ASSERT_EQ(run_scenario(scenario, seed, &listing).found, "");
  }
  ASSERT_FALSE(listing.sites.empty());
  for (const auto& [site, count] : listing.sites) {
    if (redundancy_of(site, scenario) != nullptr) continue;
    LeavingOut filter(site);
    std::string found;
    for (std::uint64_t seed = 1; seed <= kMutationSeeds && found.empty(); ++seed) {
      found = run_scenario(scenario, seed, &filter).found;
    }
    EXPECT_FALSE(found.empty()) << scenario.name << ": nobody misses the " << text_of(site)
                                << ", which is asked for " << count << " times";
  }
}

INSTANTIATE_TEST_SUITE_P(All, Mutations, testing::Range(std::size_t{0}, scenarios().size()),
                         [](const auto& test) { return scenarios()[test.param].test_name(); });

}  // namespace
}  // namespace tutti::test
