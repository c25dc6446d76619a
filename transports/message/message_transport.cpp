#include "transports/message/message_transport.hpp"

#include <sched.h>

#include <algorithm>
#include <list>
#include <thread>

#include "base/error.hpp"
#include "base/log.hpp"
#include "transports/message/windows.hpp"

namespace tutti::message {

namespace {

// Puts that have not left: beyond, put() says that it would have to wait.
constexpr std::size_t kMostBacklog = 4096;
// How long a verdict about the first error is waited for; then this rank's own stands.
constexpr Nanoseconds kVerdictTime = std::chrono::seconds(2);
// A wait for an answer keeps the core for so long, and then sleeps.
constexpr Nanoseconds kSpin = std::chrono::milliseconds(1);
constexpr Nanoseconds kLongestSleep = std::chrono::milliseconds(20);
// Between looks whether a first peer has answered: it may have hundreds to answer, on the cores
// that look.
constexpr Nanoseconds kShortestPause = std::chrono::microseconds(50);
constexpr Nanoseconds kLongestPause = std::chrono::milliseconds(20);
// How long what is on its way when a rank leaves may take to get there.
constexpr Nanoseconds kLastWords = std::chrono::seconds(5);

}  // namespace

MessageTransport::MessageTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node,
                                   std::shared_ptr<Endpoint> endpoint)
    : bootstrap_(bootstrap),
      timeout_(timeout),
      node_(node),
      rank_(bootstrap.rank()),
      ranks_(bootstrap.ranks()),
      endpoint_(std::move(endpoint)) {
  node_.add(endpoint_);
}

MessageTransport::~MessageTransport() {
  if (!endpoint_->is_ready()) {
    node_.remove(*endpoint_);
    return;
  }
  // What was sent on a connection that has only begun comes before the news that this rank has
  // left, which others pass on.
  flush_all();
  endpoint_->standing().say_goodbye();
  flush_all();
  node_.release(endpoint_);
}

void MessageTransport::flush_all() noexcept {
  for (Rank peer = 0; peer < ranks_; ++peer) {
    try {
      flush(peer, kLastWords);
    } catch (const Error& error) {
      TUTTI_INFO(kNet, "{}", error.what());
    }
  }
}

std::unique_ptr<ControlWindow> MessageTransport::open_control(const ControlSegment& segment,
                                                              std::shared_ptr<std::byte> memory) {
  endpoint_->port().make_control(segment, std::move(memory));
  endpoint_->ready();
  // Nobody connects before all are ready for it.
  bootstrap_.all_gather({}, {});
  const std::vector<Rank> peers = first_peers();
  for (const Rank peer : peers) endpoint_->link(peer);
  for (const Rank peer : peers) await_link(peer);
  await_verdict();
  if (const std::optional<Error> error = failure()) throw *error;
  Carrier& carrier = *this;
  return std::make_unique<MessageControl>(carrier,
                                          std::shared_ptr<Port>(endpoint_, &endpoint_->port()));
}

// Of the error that this rank has proposed, if it has.
void MessageTransport::await_verdict() noexcept {
  const Nanoseconds end = clock_.now() + kVerdictTime;
  while (endpoint_->standing().proposes() && clock_.now() < end) {
    node_.mover().poll();
    ::sched_yield();
  }
}

std::vector<Rank> MessageTransport::first_peers() const {
  return rank_ == 0 ? std::vector<Rank>{} : std::vector<Rank>{0};
}

// From here on each of the two hears of the other's death. A link that ends as it begins says so to
// whoever waits for the rank.
void MessageTransport::await_link(Rank peer) {
  const Link& link = endpoint_->link(peer);
  const Nanoseconds end = clock_.now() + timeout_;
  Nanoseconds pause = kShortestPause;
  while (!link.is_answered() && !link.is_closed()) {
    if (clock_.now() > end) {
      fail_because_of({peer}, tuttiTimeout,
                      "rank {} did not answer rank {}'s connection within {} ms", peer, rank_,
                      std::chrono::duration_cast<std::chrono::milliseconds>(timeout_).count());
    }
    node_.mover().poll();
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
}

std::unique_ptr<Window> MessageTransport::open_window(WindowKind kind) {
  Carrier& carrier = *this;
  std::shared_ptr<Port> port(endpoint_, &endpoint_->port());
  if (kind == WindowKind::kHeap) {
    return std::make_unique<MessageHeap>(carrier, std::move(port));
  }
  return std::make_unique<MessageProcess>(carrier, std::move(port));
}

PeerState MessageTransport::peer_state(Rank peer) const noexcept {
  return endpoint_->standing().state(peer);
}

void MessageTransport::abort(const Error& error) noexcept {
  Standing& standing = endpoint_->standing();
  standing.propose(error);
  const Nanoseconds end = clock_.now() + kVerdictTime;
  while (!standing.failed()) {
    node_.mover().poll();
    if (clock_.now() > end) standing.on_failure(error);
    ::sched_yield();
  }
}

// The node's thread would move it too, but not at once.
void MessageTransport::complete() noexcept {
  if (!node_.mover().has_backlog()) return;
  const Nanoseconds end = clock_.now() + kSpin;
  do {
    node_.mover().poll();
  } while (node_.mover().has_backlog() && clock_.now() < end);
}

bool MessageTransport::put(Rank peer, WindowId window, std::span<const Piece> pieces) {
  Link& link = endpoint_->link(peer);
  if (link.backlog() > kMostBacklog) {
    node_.mover().poll();
    if (link.backlog() > kMostBacklog) return false;
  }
  Frame frame{.kind = FrameKind::kPut,
              .window = static_cast<std::uint8_t>(window),
              .port = endpoint_->peer(peer).port,
              .rank = static_cast<std::uint32_t>(rank_)};
  FrameBytes head;
  for (const Piece& piece : pieces) {
    for (std::size_t at = 0; at < piece.source.size();
         at += static_cast<std::size_t>(frame.bytes)) {
      frame.argument = piece.offset + at;
      frame.bytes = std::min(piece.source.size() - at, kMostContentBytes);
      encode(frame, head);
      link.send(head,
                {.bytes = piece.source.subspan(at, static_cast<std::size_t>(frame.bytes)),
                 .port = endpoint_->number()},
                Link::When::kSoon);
    }
  }
  return true;
}

void MessageTransport::post(Rank peer, LineId line, std::uint64_t value,
                            const LineContent& content) {
  const Frame frame{.kind = FrameKind::kPost,
                    .port = endpoint_->peer(peer).port,
                    .rank = static_cast<std::uint32_t>(rank_),
                    .tag = line,
                    .argument = value,
                    .bytes = kPostBytes};
  std::array<std::byte, kFrameBytes + kPostBytes> bytes;
  const std::span<std::byte, bytes.size()> all(bytes);
  encode(frame, all.first<kFrameBytes>());
  encode(content.stamp, all.subspan<kFrameBytes, 8>());
  std::memcpy(bytes.data() + kFrameBytes + 8, content.payload, sizeof(content.payload));
  endpoint_->link(peer).send(bytes, {}, Link::When::kNow);
}

void MessageTransport::flush(Rank peer, Nanoseconds timeout) {
  Link* const link = endpoint_->linked(peer);
  if (link == nullptr) return;
  const std::uint64_t mark = link->mark();
  if (link->left() >= mark) return;
  link->push_out();
  const Nanoseconds end = clock_.now() + timeout;
  while (link->left() < mark && !link->is_closed()) {
    node_.mover().poll();
    if (crowded()) ::sched_yield();
    if (clock_.now() > end) {
      fail_because_of({peer}, tuttiTimeout,
                      "rank {} has not taken what rank {} sent it within {} ms", peer, rank_,
                      std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count());
    }
  }
}

void MessageTransport::fetch(WindowId window, std::span<Wanted> wanted) {
  std::list<Asked> asked;  // in which they stay where they are
  std::vector<Rank> peers;
  while (!wanted.empty()) {
    const Rank peer = wanted.front().peer;
    const auto end = std::find_if(wanted.begin(), wanted.end(),
                                  [peer](const Wanted& each) { return each.peer != peer; });
    const auto count = std::min(static_cast<std::size_t>(end - wanted.begin()), kMostRanges);
    Asked& next = asked.emplace_back();
    next.wanted = wanted.first(count);
    next.port = &endpoint_->port();
    peers.push_back(peer);
    wanted = wanted.subspan(count);
  }
  auto peer = peers.begin();
  for (Asked& each : asked) {
    Link& link = endpoint_->link(*peer);
    link.ask(each, *endpoint_, *peer, window);
    ++peer;
  }
  try {
    peer = peers.begin();
    for (Asked& each : asked) await(each, *peer++);
  } catch (...) {
    peer = peers.begin();
    for (Asked& each : asked) endpoint_->link(*peer++).give_up(each);
    throw;
  }
}

void MessageTransport::await(Asked& asked, Rank peer) {
  const auto answered = [&asked] {
    // Acquire pairs with the release in Link::end_asked.
    return asked.state.load(std::memory_order_acquire) != Asked::kOpen;
  };
  Doorbell& bell = endpoint_->port().bell();
  const Nanoseconds start = clock_.now();
  while (!answered()) {
    node_.mover().poll();
    if (answered()) break;
    const Nanoseconds waited = clock_.now() - start;
    if (waited > timeout_) {
      fail_because_of({peer}, tuttiTimeout, "rank {} did not answer rank {} within {} ms", peer,
                      rank_,
                      std::chrono::duration_cast<std::chrono::milliseconds>(timeout_).count());
    }
    if (waited < kSpin) {
      if (crowded()) ::sched_yield();
      continue;
    }
    const std::uint32_t seen = bell.ring.load(std::memory_order_acquire);
    bell.sleepers.fetch_add(1, std::memory_order_seq_cst);
    if (!answered()) node_.mover().sleep(bell, seen, kLongestSleep);
    bell.sleepers.fetch_sub(1, std::memory_order_relaxed);
  }
  if (asked.state.load(std::memory_order_acquire) == Asked::kAnswered) return;
  const PeerState state = peer_state(peer);
  fail_because_of({peer}, tuttiSystemError, "rank {} {}", peer,
                  state == PeerState::kDead   ? "died, and its memory cannot be read"
                  : state == PeerState::kLeft ? "has left, and its memory cannot be read"
                                              : "cannot read the memory that it announced");
}

}  // namespace tutti::message
