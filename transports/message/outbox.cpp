#include "transports/message/outbox.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tutti::message {

namespace {
constexpr std::array<std::byte, std::size_t{64} << 10> kZeros{};
constexpr std::size_t kArgumentOffset = 16;  // of Frame::argument in a head
constexpr std::uint64_t kUnreadable = 1;
}  // namespace

Outbox::Entry& Outbox::make_entry(std::span<const std::byte> head) {
  if (count_ == ring_.size()) {
    std::vector<Entry> larger(2 * ring_.size());
    for (std::size_t i = 0; i < count_; ++i) larger[i] = std::move(at(i));
    ring_ = std::move(larger);
    first_ = 0;
  }
  Entry& entry = at(count_++);
  std::memcpy(entry.head.data(), head.data(), head.size());
  entry.head_bytes = static_cast<std::uint32_t>(head.size());
  entry.head_left = entry.head_bytes;
  entry.zeros = false;
  return entry;
}

void Outbox::push(std::span<const std::byte> head, const Reference& content) {
  Entry& entry = make_entry(head);
  entry.port = content.port;
  entry.request = content.request;
  entry.data = content.bytes.data();
  entry.bytes = content.bytes.size();
}

void Outbox::push(std::span<const std::byte> head, std::vector<std::byte> content) {
  Entry& entry = make_entry(head);
  entry.port = 0;
  entry.request = 0;
  entry.own = std::move(content);
  entry.data = entry.own.data();
  entry.bytes = entry.own.size();
}

std::size_t Outbox::gather(std::span<iovec> parts, std::size_t most, bool* named,
                           std::size_t large) const {
  std::size_t used = 0;
  for (std::size_t i = 0; i < count_ && used + 2 <= parts.size() && most > 0; ++i) {
    const Entry& entry = at(i);
    if (i > 0 && entry.is_large(large)) break;
    if (entry.head_left > 0) {
      const std::byte* const head = entry.head.data() + (entry.head_bytes - entry.head_left);
      const std::size_t of_head = std::min<std::size_t>(entry.head_left, most);
      parts[used++] = {const_cast<std::byte*>(head), of_head};
      most -= of_head;
      if (of_head < entry.head_left) break;
    }
    if (entry.bytes == 0) continue;
    const std::byte* const from = entry.zeros ? kZeros.data() : entry.data;
    const std::size_t some = std::min(entry.bytes, entry.zeros ? kZeros.size() : most);
    if (some > 0) parts[used++] = {const_cast<std::byte*>(from), some};
    if (named != nullptr && entry.is_named()) *named = true;
    if (some < entry.bytes) break;
    most -= std::min(most, some);
  }
  return used;
}

std::span<const std::byte> Outbox::head_of_large(std::size_t large) const noexcept {
  if (count_ == 0 || !at(0).is_large(large)) return {};
  return std::span(at(0).head).first(at(0).head_bytes);
}

std::span<const std::byte> Outbox::named_content() const noexcept {
  if (count_ == 0 || !at(0).is_named()) return {};
  return {at(0).data, at(0).bytes};
}

void Outbox::consume(std::size_t bytes) {
  while (count_ > 0) {
    Entry& entry = at(0);
    const std::size_t of_head = std::min<std::size_t>(bytes, entry.head_left);
    entry.head_left -= static_cast<std::uint32_t>(of_head);
    bytes -= of_head;
    const std::size_t of_content = std::min(bytes, entry.bytes);
    if (!entry.zeros) entry.data += of_content;
    entry.bytes -= of_content;
    bytes -= of_content;
    if (entry.head_left > 0 || entry.bytes > 0) return;
    if (!entry.own.empty()) entry.own = {};
    first_ = (first_ + 1) & (ring_.size() - 1);
    --count_;
    ++left_;
  }
}

bool Outbox::is_end(const Entry& entry) noexcept {
  return entry.head_bytes == kFrameBytes &&
         entry.head[0] == static_cast<std::byte>(FrameKind::kGetEnd);
}

void Outbox::fail_answer(std::uint32_t request) {
  for (std::size_t i = 0; i < count_; ++i) {
    Entry& entry = at(i);
    if (entry.request != request || !is_end(entry)) continue;
    encode(kUnreadable, std::span<std::byte, 8>(entry.head.data() + kArgumentOffset, 8));
    return;
  }
}

std::uint32_t Outbox::spoil() {
  for (std::size_t i = 0; i < count_; ++i) {
    Entry& entry = at(i);
    if (entry.bytes == 0 || entry.zeros) continue;
    entry.zeros = true;
    if (entry.request == 0) return entry.port;
    fail_answer(entry.request);
    return 0;
  }
  return 0;
}

// Frames keep their places, so that lengths stay what their heads say: of a put that nobody waits
// for any more the rest is zeros.
void Outbox::forget(std::uint32_t port) {
  for (std::size_t i = 0; i < count_; ++i) {
    Entry& entry = at(i);
    if (entry.port != port || entry.bytes == 0 || entry.zeros) continue;
    entry.zeros = true;
    if (entry.request != 0) fail_answer(entry.request);
  }
}

}  // namespace tutti::message
