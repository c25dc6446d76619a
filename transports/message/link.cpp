#include "transports/message/link.hpp"

#include "base/log.hpp"
#include "transports/message/endpoint.hpp"
#include "transports/message/node.hpp"

namespace tutti::message {

namespace {

// What is sent "soon" leaves when it has become this much.
constexpr std::size_t kSoonBytes = std::size_t{128} << 10;

}  // namespace

void Link::close(End end, const std::string& why) {
  if (closed_.exchange(true)) return;
  TUTTI_INFO(kNet, "a link has ended: {}", why);
  {
    const std::lock_guard lock(sending_);
    on_close();
    left_.store(pushed_.load(std::memory_order_relaxed), std::memory_order_release);
  }
  node_.on_closed(*this, end, why);
  // Whose question comes to nothing looks why: by now the ranks there are marked.
  const std::lock_guard lock(receiving_);
  end_writes_here(nullptr, nullptr);
  delivery_.end();
}

void Link::send(std::span<const std::byte> head, const Outbox::Reference& content, When when) {
  const std::lock_guard lock(sending_);
  if (is_closed()) return;
  outbox_.push(head, content);
  pushed_.store(outbox_.pushed(), std::memory_order_release);
  soon_bytes_ += head.size() + content.bytes.size();
  if (when == When::kNow || soon_bytes_ >= kSoonBytes) write();
}

void Link::send(std::span<const std::byte> head, std::vector<std::byte> content) {
  const std::lock_guard lock(sending_);
  if (is_closed()) return;
  outbox_.push(head, std::move(content));
  pushed_.store(outbox_.pushed(), std::memory_order_release);
  write();
}

void Link::send_bare(FrameKind kind) {
  FrameBytes head;
  encode(Frame{.kind = kind}, head);
  send(head, {}, When::kNow);
}

void Link::push_out() {
  const std::lock_guard lock(sending_);
  if (!is_closed()) write();
}

void Link::ask(Asked& asked, const Endpoint& endpoint, Rank peer, WindowId window) {
  {
    const std::lock_guard lock(receiving_);
    if (!delivery_.expect(asked)) return;
  }
  FrameBytes head;
  encode(Frame{.kind = FrameKind::kGet,
               .window = static_cast<std::uint8_t>(window),
               .port = endpoint.peer(peer).port,
               .rank = static_cast<std::uint32_t>(endpoint.rank()),
               .tag = asked.number,
               .bytes = asked.wanted.size() * kRangeBytes},
         head);
  std::vector<std::byte> ranges(asked.wanted.size() * kRangeBytes);
  for (std::size_t i = 0; i < asked.wanted.size(); ++i) {
    const Wanted& wanted = asked.wanted[i];
    encode(WireRange{.offset = wanted.offset, .bytes = wanted.bytes},
           std::span<std::byte, kRangeBytes>(ranges.data() + i * kRangeBytes, kRangeBytes));
  }
  send(head, std::move(ranges));
}

void Link::give_up(Asked& asked) {
  const std::lock_guard lock(receiving_);
  end_writes_here(nullptr, &asked);
  delivery_.give_up(asked);
}

void Link::forget(const Endpoint& endpoint) {
  {
    const std::lock_guard lock(receiving_);
    end_writes_here(&endpoint, nullptr);
    delivery_.forget(endpoint);
  }
  const std::lock_guard lock(sending_);
  outbox_.forget(endpoint.number());
}

}  // namespace tutti::message
