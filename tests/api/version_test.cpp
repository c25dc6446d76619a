// The calls that need no communicator.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <set>
#include <string>

namespace {

TEST(Version, IsTheHeaders) {
  int version = -1;
  ASSERT_EQ(tuttiGetVersion(&version), tuttiSuccess);
  EXPECT_EQ(version, TUTTI_VERSION(TUTTI_MAJOR, TUTTI_MINOR, TUTTI_PATCH));
}

TEST(Version, NullIsAnInvalidArgument) {
  EXPECT_EQ(tuttiGetVersion(nullptr), tuttiInvalidArgument);
}

TEST(ErrorString, EveryCodeHasItsOwnSentence) {
  const tuttiResult_t codes[] = {tuttiSuccess,         tuttiUnhandledDeviceError,
                                 tuttiSystemError,     tuttiInternalError,
                                 tuttiInvalidArgument, tuttiInvalidUsage,
                                 tuttiRemoteError,     tuttiInProgress,
                                 tuttiTimeout,         tuttiMismatch,
                                 tuttiPeerFailed,      tuttiCapacityExceeded,
                                 tuttiStale,           tuttiAborted};
  std::set<std::string> sentences;
  for (tuttiResult_t code : codes) {
    EXPECT_TRUE(sentences.insert(tuttiGetErrorString(code)).second) << tuttiGetErrorString(code);
  }
  EXPECT_EQ(sentences.count(tuttiGetErrorString(static_cast<tuttiResult_t>(99))), 0u);
}

}  // namespace
