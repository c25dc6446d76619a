// A stream of frames is the same in pieces of any length, and ends at the first that is none.
#include "transports/message/inbox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace tutti::message {
namespace {

// Keeps what comes; contents go to places of `most_place` bytes, and those of odd tags nowhere.
class Recorder final : public Inbox::Handler {
 public:
  struct Received {
    Frame frame;
    std::vector<std::byte> content;
  };
  explicit Recorder(std::size_t most_place) : most_place_(most_place) {}

  bool begin_content(const Frame& frame, std::string& complaint) override {
    if (frame.window == 3) {
      complaint = "no window";
      return false;
    }
    received.push_back({frame, std::vector<std::byte>(frame.bytes)});
    return true;
  }
  std::span<std::byte> place(const Frame& frame, std::uint64_t at) override {
    if (frame.tag % 2 == 1) return {};
    auto all = std::span(received.back().content).subspan(at);
    return all.first(std::min(all.size(), most_place_));
  }
  bool fill(const Frame&, std::span<std::byte> place, std::span<const std::byte> bytes,
            std::string&) override {
    std::memcpy(place.data(), bytes.data(), bytes.size());
    return true;
  }
  void end_content(const Frame&) override { ++ended; }
  bool on_frame(const Frame& frame, std::span<const std::byte> content, std::string&) override {
    received.push_back({frame, {content.begin(), content.end()}});
    return true;
  }

  std::vector<Received> received;
  int ended = 0;

 private:
  std::size_t most_place_;
};

void append(std::vector<std::byte>& stream, const Frame& frame, std::uint8_t seed) {
  FrameBytes head;
  encode(frame, head);
  stream.insert(stream.end(), head.begin(), head.end());
  for (std::size_t i = 0; i < frame.bytes; ++i) {
    stream.push_back(static_cast<std::byte>(i * 7 + seed));
  }
}

// As a socket would: fills the places that the inbox offers, up to `most` bytes.
bool deliver(Inbox& inbox, std::span<const std::byte>& stream, std::size_t most) {
  iovec places[Inbox::kMostPlaces];
  const std::size_t count = inbox.prepare(places);
  std::size_t done = 0;
  for (std::size_t i = 0; i < count && done < most; ++i) {
    const std::size_t bytes = std::min({places[i].iov_len, most - done, stream.size() - done});
    std::memcpy(places[i].iov_base, stream.data() + done, bytes);
    done += bytes;
  }
  stream = stream.subspan(done);
  return inbox.advance(done);
}

// As a packet would: the bytes are somewhere.
bool take(Inbox& inbox, std::span<const std::byte>& stream, std::size_t most) {
  const std::span<const std::byte> packet = stream.first(std::min(most, stream.size()));
  stream = stream.subspan(packet.size());
  return inbox.take(packet);
}

constexpr auto kWays = {deliver, take};

TEST(Inbox, ReadsTheSameFromPiecesOfAnyLength) {
  const std::size_t lengths[] = {1, 31, 32, 4000, kMostWholeBytes, 100'000, 300'001};
  std::vector<std::byte> stream;
  std::vector<Frame> sent;
  std::uint8_t seed = 0;
  for (const std::size_t length : lengths) {
    for (const std::uint32_t tag : {2u, 3u}) {
      sent.push_back({.kind = FrameKind::kPut, .tag = tag, .bytes = length});
      sent.push_back({.kind = FrameKind::kPost, .tag = tag, .bytes = kPostBytes});
      sent.push_back({.kind = FrameKind::kGetEnd, .tag = tag});
    }
    if (length <= kMostWholeBytes && length % kRangeBytes == 0) {
      sent.push_back({.kind = FrameKind::kGet, .bytes = length});
    }
  }
  for (const Frame& frame : sent) append(stream, frame, seed++);
  std::mt19937_64 random(11);
  for (const std::size_t most : {1u, 7u, 32u, 33u, 5000u, 1u << 20, 0u}) {
    for (const std::size_t place : {std::size_t{5}, std::size_t{4096}, std::size_t{1} << 20}) {
      for (const auto way : kWays) {
        if (most == 1 && place == 5) continue;  // a minute of single bytes
        Recorder recorder(place);
        Inbox inbox(recorder);
        std::span<const std::byte> rest(stream);
        while (!rest.empty()) {
          ASSERT_TRUE(way(inbox, rest, most != 0 ? most : 1 + random() % 70'000));
        }
        EXPECT_FALSE(inbox.in_frame());
        ASSERT_EQ(recorder.received.size(), sent.size());
        for (std::size_t i = 0; i < sent.size(); ++i) {
          const auto& [frame, content] = recorder.received[i];
          EXPECT_EQ(frame.kind, sent[i].kind);
          ASSERT_EQ(content.size(), sent[i].bytes);
          if (sent[i].kind == FrameKind::kPut && sent[i].tag == 3) continue;  // went nowhere
          for (std::size_t at = 0; at < content.size(); ++at) {
            ASSERT_EQ(content[at], static_cast<std::byte>(at * 7 + i)) << "frame " << i;
          }
        }
      }
    }
  }
}

TEST(Inbox, KnowsThatAFrameIsNotWhole) {
  std::vector<std::byte> stream;
  append(stream, {.kind = FrameKind::kPut, .bytes = 1000}, 0);
  for (const auto way : kWays) {
    Recorder recorder(4096);
    Inbox inbox(recorder);
    std::span<const std::byte> rest(stream);
    for (const std::size_t cut : {10u, 100u}) {
      std::span<const std::byte> part = rest.first(cut);
      while (!part.empty()) ASSERT_TRUE(way(inbox, part, cut));
      rest = rest.subspan(cut);
      EXPECT_TRUE(inbox.in_frame());
      EXPECT_EQ(recorder.ended, 0);
    }
  }
}

TEST(Inbox, EndsAtWhatIsNoFrame) {
  for (const bool bad_window : {true, false}) {
    std::vector<std::byte> stream;
    append(stream, {.kind = FrameKind::kPost, .bytes = kPostBytes}, 0);
    append(stream,
           {.kind = bad_window ? FrameKind::kPut : static_cast<FrameKind>(77),
            .window = 3,
            .bytes = 8},
           0);
    for (const auto way : kWays) {
      Recorder recorder(4096);
      Inbox inbox(recorder);
      std::span<const std::byte> rest(stream);
      EXPECT_FALSE(way(inbox, rest, stream.size()));
      EXPECT_EQ(recorder.received.size(), 1u);
      EXPECT_EQ(inbox.complaint(),
                bad_window ? "no window" : "a frame of kind 77, which there is not");
    }
  }
}

TEST(Inbox, ContentMayComeAnotherWay) {
  Recorder recorder(1 << 20);
  Inbox inbox(recorder);
  const Frame frame{.kind = FrameKind::kPut, .tag = 2, .bytes = 1000};
  FrameBytes head;
  encode(frame, head);
  EXPECT_TRUE(inbox.place_of_content().empty()) << "of nothing";
  ASSERT_TRUE(inbox.take(head));
  const auto place = inbox.place_of_content();
  ASSERT_EQ(place.size(), 1000U);
  EXPECT_EQ(place.data(), recorder.received[0].content.data());
  inbox.content_is_there();
  EXPECT_EQ(recorder.ended, 1);
  EXPECT_EQ(inbox.receiving(), nullptr);
  ASSERT_TRUE(inbox.take(head)) << "the stream goes on";
  const std::vector<std::byte> begun(10);
  ASSERT_TRUE(inbox.take(begun));
  EXPECT_TRUE(inbox.place_of_content().empty()) << "some of it has come";
}

TEST(Inbox, ContentWithoutOnePlaceComesNoOtherWay) {
  FrameBytes head;
  encode(Frame{.kind = FrameKind::kPut, .tag = 2, .bytes = 1000}, head);
  Recorder in_pieces(100);
  Inbox pieces(in_pieces);
  ASSERT_TRUE(pieces.take(head));
  EXPECT_TRUE(pieces.place_of_content().empty());
  encode(Frame{.kind = FrameKind::kPut, .tag = 1, .bytes = 1000}, head);
  Recorder to_nowhere(1 << 20);
  Inbox nowhere(to_nowhere);
  ASSERT_TRUE(nowhere.take(head));
  EXPECT_TRUE(nowhere.place_of_content().empty());
}

}  // namespace
}  // namespace tutti::message
