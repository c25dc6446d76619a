// tutti-run's variables.
#include "bootstrap/launchers/launch_environment.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "bootstrap/unique_id.hpp"
#include "tests/unit/bootstrap/thread_ranks.hpp"

namespace tutti {
namespace {

using test::error_of;
using test::says;

class LaunchEnvironmentOfTest : public testing::Test {
 protected:
  LaunchEnvironmentOfTest() {
    UniqueId id;
    id.port = 1;
    id.address = {127, 0, 0, 1};
    set(LaunchEnvironment::kRank, "2");
    set(LaunchEnvironment::kWorldSize, "3");
    set(LaunchEnvironment::kUniqueId, encode(pack(id)));
  }
  ~LaunchEnvironmentOfTest() override {
    for (const char* name :
         {LaunchEnvironment::kRank, LaunchEnvironment::kWorldSize, LaunchEnvironment::kUniqueId}) {
      ::unsetenv(name);
    }
  }
  static void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
  static void expect_complaint(const std::string& words) {
    const Error error = error_of([] { read_launch_environment(); });
    EXPECT_EQ(error.code(), tuttiInvalidUsage);
    EXPECT_TRUE(says(error, words)) << error.what();
  }
};

TEST_F(LaunchEnvironmentOfTest, IsReadWhole) {
  const auto world = read_launch_environment();
  EXPECT_EQ(world.rank, 2);
  EXPECT_EQ(world.ranks, 3);
  EXPECT_EQ(unpack(world.id).port, 1);
}

TEST_F(LaunchEnvironmentOfTest, NamesWhatIsMissing) {
  for (const char* name :
       {LaunchEnvironment::kRank, LaunchEnvironment::kWorldSize, LaunchEnvironment::kUniqueId}) {
    const std::string before = ::getenv(name);
    ::unsetenv(name);
    expect_complaint(std::string(name) + " is not set");
    set(name, before);
  }
}

TEST_F(LaunchEnvironmentOfTest, QuotesWhatIsMalformed) {
  set(LaunchEnvironment::kRank, "3");
  expect_complaint("TUTTI_RANK='3': expected a number from 0 to 2");
  set(LaunchEnvironment::kRank, "two");
  expect_complaint("TUTTI_RANK='two'");
  set(LaunchEnvironment::kRank, "0");
  set(LaunchEnvironment::kWorldSize, "99999999999");
  expect_complaint("TUTTI_WORLD_SIZE='99999999999'");
  set(LaunchEnvironment::kWorldSize, "3");
  set(LaunchEnvironment::kUniqueId, "abc");
  expect_complaint("TUTTI_UNIQUE_ID: a unique id is 256 hexadecimal digits");
}

}  // namespace
}  // namespace tutti
