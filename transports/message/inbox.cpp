#include "transports/message/inbox.hpp"

#include <algorithm>
#include <cstring>

namespace tutti::message {

std::size_t Inbox::prepare(std::span<iovec, kMostPlaces> places) {
  std::size_t count = 0;
  prepared_content_ = 0;
  const std::uint64_t most = std::min<std::uint64_t>(content_left_, kMostAtOnce);
  while (prepared_content_ < most && count + 1 < kMostPlaces) {
    const std::span<std::byte> place =
        handler_.place(frame_, frame_.bytes - content_left_ + prepared_content_);
    if (place.empty()) break;
    const auto bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(place.size(), most - prepared_content_));
    places[count++] = {place.data(), bytes};
    prepared_content_ += bytes;
  }
  // What goes nowhere comes through the buffer, and so does what follows.
  if (prepared_content_ == content_left_ || count == 0) {
    const std::size_t room = buffer_.size() - end_;
    const bool after_much = frame_.bytes >= kMuchBytes;
    places[count++] = {buffer_.data() + end_, after_much ? std::min(room, kFewBytes) : room};
  }
  return count;
}

bool Inbox::advance(std::size_t bytes) {
  const std::size_t placed = std::min(bytes, prepared_content_);
  prepared_content_ = 0;
  if (placed > 0) finish_content(placed);
  end_ += bytes - placed;
  return take_buffered();
}

// Content goes to its place right away; of the rest as much through the buffer as makes a header or
// a whole frame.
bool Inbox::take(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    std::size_t some = 0;
    if (content_left_ > 0) {
      const std::span<std::byte> place = handler_.place(frame_, frame_.bytes - content_left_);
      some = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), content_left_));
      if (!place.empty()) {
        some = std::min(some, place.size());
        if (!handler_.fill(frame_, place.first(some), bytes.first(some), complaint_)) return false;
      }
      finish_content(some);
    } else {
      std::uint64_t wanted = kFrameBytes;
      if (end_ >= kFrameBytes) {
        const std::span<const std::byte> header(buffer_.data(), kFrameBytes);
        wanted += parse(header.first<kFrameBytes>(), complaint_)->bytes;
      }
      some = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), wanted - end_));
      std::memcpy(buffer_.data() + end_, bytes.data(), some);
      end_ += some;
      if (end_ == wanted && !take_buffered()) return false;
    }
    bytes = bytes.subspan(some);
  }
  return true;
}

void Inbox::finish_content(std::uint64_t bytes) {
  content_left_ -= bytes;
  if (content_left_ == 0) handler_.end_content(frame_);
}

std::span<std::byte> Inbox::place_of_content() {
  if (content_left_ == 0 || content_left_ != frame_.bytes || begin_ != end_) return {};
  const std::span<std::byte> place = handler_.place(frame_, 0);
  return place.size() == frame_.bytes ? place : std::span<std::byte>();
}

// From the buffer to its places.
bool Inbox::take_content() {
  while (content_left_ > 0 && begin_ != end_) {
    const std::span<std::byte> place = handler_.place(frame_, frame_.bytes - content_left_);
    std::size_t bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(end_ - begin_, content_left_));
    if (!place.empty()) {
      bytes = std::min(bytes, place.size());
      const std::span<const std::byte> here(buffer_.data() + begin_, bytes);
      if (!handler_.fill(frame_, place.first(bytes), here, complaint_)) return false;
    }
    begin_ += bytes;
    finish_content(bytes);
  }
  return true;
}

bool Inbox::take_buffered() {
  for (;;) {
    if (!take_content()) return false;
    if (content_left_ > 0 || end_ - begin_ < kFrameBytes) break;
    const std::span<const std::byte, kFrameBytes> header(buffer_.data() + begin_, kFrameBytes);
    const std::optional<Frame> frame = parse(header, complaint_);
    if (!frame) return false;
    if (!is_whole(frame->kind)) {
      if (!handler_.begin_content(*frame, complaint_)) return false;
      frame_ = *frame;
      content_left_ = frame->bytes;
      begin_ += kFrameBytes;
      continue;
    }
    const auto content = static_cast<std::size_t>(frame->bytes);
    if (end_ - begin_ - kFrameBytes < content) break;
    const std::span<const std::byte> whole(buffer_.data() + begin_ + kFrameBytes, content);
    if (!handler_.on_frame(*frame, whole, complaint_)) return false;
    begin_ += kFrameBytes + content;
  }
  // What is left is less than a frame: it fits, with the next one, behind its move to the front.
  if (begin_ != 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return true;
}

}  // namespace tutti::message
