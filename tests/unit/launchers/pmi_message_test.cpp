// Lines of PMI-1, good and hostile.
#include "bootstrap/launchers/pmi_message.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tutti {
namespace {

TEST(PmiMessage, HasACommandAndWords) {
  const auto message = PmiMessage::parse("cmd=maxes  kvsname_max=256 vallen_max=-1 note=a=b x=");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->command(), "maxes");
  EXPECT_EQ(message->number("kvsname_max"), 256);
  EXPECT_EQ(message->number("vallen_max"), -1);
  EXPECT_EQ(message->find("note"), "a=b");
  EXPECT_EQ(message->find("x"), "");
  EXPECT_EQ(message->number("x"), std::nullopt);
  EXPECT_EQ(message->number("note"), std::nullopt);
  EXPECT_EQ(message->find("cmd"), std::nullopt);
  EXPECT_EQ(message->find("nothing"), std::nullopt);
}

TEST(PmiMessage, RefusesWhatIsNoMessage) {
  std::string too_many = "cmd=x";
  for (std::size_t i = 0; i < PmiMessage::kMostWords; ++i) too_many += " a=b";
  for (const std::string& text : {std::string(), std::string("   "), std::string("rc=0 cmd=x"),
                                  std::string("cmd=x word"), std::string("cmd=x =y"), too_many}) {
    EXPECT_FALSE(PmiMessage::parse(text)) << text;
  }
  EXPECT_TRUE(PmiMessage::parse(too_many.substr(0, too_many.size() - 4)));
}

// Copies what there is room for.
std::size_t feed(PmiLine& line, std::string_view text) {
  const std::span<char> room = line.room();
  const std::size_t count = std::min(room.size(), text.size());
  std::copy_n(text.begin(), count, room.begin());
  line.filled(count);
  return count;
}

TEST(PmiLine, ComesInPiecesAndManyAtOnce) {
  PmiLine line;
  feed(line, "cmd=a");
  EXPECT_FALSE(line.line());
  feed(line, " b=c\n\ncmd=d\ncmd");
  EXPECT_EQ(line.line(), "cmd=a b=c");
  line.drop();
  EXPECT_EQ(line.line(), "");
  line.drop();
  EXPECT_EQ(line.line(), "cmd=d");
  line.drop();
  EXPECT_FALSE(line.line());
  feed(line, "=e\n");
  EXPECT_EQ(line.line(), "cmd=e");
}

TEST(PmiLine, HasNoRoomForALineWithoutEnd) {
  PmiLine line;
  const std::string text(PmiLine::kMostBytes + 100, 'x');
  EXPECT_EQ(feed(line, text), PmiLine::kMostBytes);
  EXPECT_TRUE(line.room().empty());
  EXPECT_FALSE(line.line());
}

}  // namespace
}  // namespace tutti
