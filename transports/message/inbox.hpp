// A stream of frames as it comes, in pieces of any length: headers and short contents through a
// buffer, long contents straight to where they belong. Knows no socket.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "transports/message/frame.hpp"

namespace tutti::message {

class Inbox {
 public:
  class Handler {
   public:
    // A kPut or kData comes. False: it makes no sense, and why is in `complaint`.
    virtual bool begin_content(const Frame& frame, std::string& complaint) = 0;
    // A place for the content of a kPut or kData from byte `at` on, of at least a byte; none: what
    // is left of it goes nowhere. Asked again for what the last place did not hold.
    virtual std::span<std::byte> place(const Frame& frame, std::uint64_t at) = 0;
    // What has come through the buffer. False: the place is none, and why is in `complaint`.
    virtual bool fill(const Frame& frame, std::span<std::byte> place,
                      std::span<const std::byte> bytes, std::string& complaint) = 0;
    virtual void end_content(const Frame& frame) = 0;
    // Any other frame. False: it makes no sense, and why is in `complaint`.
    virtual bool on_frame(const Frame& frame, std::span<const std::byte> content,
                          std::string& complaint) = 0;

   protected:
    ~Handler() = default;
  };

  // `handler` outlives it.
  explicit Inbox(Handler& handler) : handler_(handler) {}

  // Where the next bytes go, in order; returns how many entries, which offer at least a byte.
  static constexpr std::size_t kMostPlaces = 16;
  // Content at once: then it is the other direction's turn, while what has come is still in caches.
  static constexpr std::size_t kMostAtOnce = std::size_t{256} << 10;
  std::size_t prepare(std::span<iovec, kMostPlaces> places);
  // So many bytes have come there. False: the sender has broken the protocol, see complaint().
  bool advance(std::size_t bytes);
  // Instead of both: these bytes have come, all of them, to somewhere else. False: as advance().
  bool take(std::span<const std::byte> bytes);
  const std::string& complaint() const noexcept { return complaint_; }
  // Whether a frame has begun to come, and not ended.
  bool in_frame() const noexcept { return content_left_ > 0 || begin_ != end_; }

  // The frame whose content is coming; nullptr: none is.
  const Frame* receiving() const noexcept { return content_left_ > 0 ? &frame_ : nullptr; }
  // For content that comes another way: where all of it belongs, once its head has come and nothing
  // else has; empty: nowhere, or not to one place. And that it is there.
  std::span<std::byte> place_of_content();
  void content_is_there() { finish_content(content_left_); }

 private:
  static constexpr std::size_t kBufferBytes = 2 * (kMostWholeBytes + kFrameBytes);
  // After a content of so many bytes another one is expected, of which no more than so few come
  // through the buffer.
  static constexpr std::size_t kMuchBytes = std::size_t{32} << 10;
  static constexpr std::size_t kFewBytes = 512;

  bool take_buffered();
  bool take_content();
  void finish_content(std::uint64_t bytes);

  Handler& handler_;
  std::string complaint_;
  Frame frame_;
  std::uint64_t content_left_ = 0;
  std::size_t prepared_content_ = 0;  // bytes that the last prepare() had places for
  std::size_t begin_ = 0, end_ = 0;   // in buffer_: what has come and is not looked at
  std::array<std::byte, kBufferBytes> buffer_;
};

}  // namespace tutti::message
