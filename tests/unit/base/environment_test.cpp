#include "base/environment.hpp"

#include <gtest/gtest.h>

#include <tutti/error.hpp>

#include "scoped_variable.hpp"

namespace tutti {
namespace {

constexpr const char* kName = "TUTTI_TEST_VARIABLE";

std::string message_of_int(const char* value) {
  ScopedVariable variable(kName, value);
  try {
    env_int(kName, 5, 1, 100);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiInvalidArgument);
    return error.what();
  }
  return "no error";
}

TEST(Environment, UnsetAndEmptyGiveTheDefault) {
  for (const char* value : {static_cast<const char*>(nullptr), ""}) {
    ScopedVariable variable(kName, value);
    EXPECT_EQ(env_int(kName, 5, 1, 100), 5);
    EXPECT_EQ(env_string(kName), std::nullopt);
    EXPECT_EQ(env_choice(kName, 9, {{"one", 1}}), 9);
  }
}

TEST(Environment, ReadsNumbersAtBothEndsOfTheRange) {
  for (int number : {1, 42, 100}) {
    ScopedVariable variable(kName, std::to_string(number).c_str());
    EXPECT_EQ(env_int(kName, 5, 1, 100), number);
  }
  ScopedVariable negative(kName, "-3");
  EXPECT_EQ(env_int(kName, 0, -10, 0), -3);
}

TEST(Environment, AMalformedNumberIsNamedWithItsValueAndTheRange) {
  for (const char* value : {"0", "101", "12ms", "twelve", " 5", "99999999999999999999", "1.5"}) {
    const std::string message = message_of_int(value);
    EXPECT_NE(message.find(std::string(kName) + "=\"" + value + "\""), std::string::npos)
        << message;
    EXPECT_NE(message.find("from 1 to 100"), std::string::npos) << message;
  }
}

TEST(Environment, AChoiceIsReadInAnyCase) {
  enum class Check { kFast, kStrict };
  for (const char* value : {"strict", "STRICT", "Strict"}) {
    ScopedVariable variable(kName, value);
    EXPECT_EQ(env_choice(kName, Check::kFast, {{"fast", Check::kFast}, {"strict", Check::kStrict}}),
              Check::kStrict);
  }
}

TEST(Environment, AnUnknownChoiceListsTheKnownOnes) {
  ScopedVariable variable(kName, "stricter");
  try {
    env_choice(kName, 0, {{"fast", 0}, {"strict", 1}});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiInvalidArgument);
    EXPECT_STREQ(
        error.what(),
        "environment variable TUTTI_TEST_VARIABLE=\"stricter\": expected one of fast, strict");
  }
}

}  // namespace
}  // namespace tutti
