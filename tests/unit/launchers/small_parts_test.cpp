// Names of pods, and secrets.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "bootstrap/launchers/pod.hpp"
#include "bootstrap/launchers/secret.hpp"
#include "launch_variables.hpp"
#include "tests/unit/bootstrap/thread_ranks.hpp"

namespace tutti {
namespace {

using test::error_of;
using test::says;

TEST(Pod, IsANameAndANumber) {
  const auto pod = pod_of("my-trainer-12.trainers.default.svc");
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->owner, "my-trainer");
  EXPECT_EQ(pod->ordinal, 12);
  EXPECT_EQ(pod_of("a-0")->ordinal, 0);
  for (const char* name : {"", "trainer", "-1", "trainer-", "trainer-x", "trainer-1x", "trainer-01",
                           "trainer--", "trainer-99999999999", "trainer.x-1"}) {
    EXPECT_FALSE(pod_of(name)) << name;
  }
}

TEST(Secret, DependsOnTextAndWorld) {
  EXPECT_EQ(secret_of("a", 0), secret_of("a", 0));
  EXPECT_NE(secret_of("a", 0), secret_of("b", 0));
  EXPECT_NE(secret_of("a", 0), secret_of("a", 1));
}

TEST(Secret, ComesFromAVariableOrAFile) {
  test::LaunchVariables variables;
  EXPECT_EQ(secret_text(), std::nullopt);
  const std::string file = testing::TempDir() + "secret_" + std::to_string(::getpid());
  std::ofstream(file) << "of a file \n\n";
  variables.set("TUTTI_SECRET_FILE", file);
  EXPECT_EQ(secret_text(), "of a file");
  variables.set("TUTTI_SECRET", "of a variable");
  EXPECT_TRUE(says(error_of([] { secret_text(); }), "are both set"));
  variables.set("TUTTI_SECRET_FILE", "");
  EXPECT_EQ(secret_text(), "of a variable");
  variables.set("TUTTI_SECRET", "");
  std::ofstream(file) << "\n";
  variables.set("TUTTI_SECRET_FILE", file);
  EXPECT_TRUE(says(error_of([] { secret_text(); }), "the file is empty"));
  std::filesystem::remove(file);
  EXPECT_TRUE(says(error_of([] { secret_text(); }), "No such file"));
}

}  // namespace
}  // namespace tutti
