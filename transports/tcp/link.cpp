#include "transports/tcp/link.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.hpp"
#include "transports/tcp/endpoint.hpp"
#include "transports/tcp/node.hpp"

namespace tutti::tcp {

namespace {

using message::Frame;
using message::FrameKind;
using message::WindowId;

// Of large contents: what another communicator sends gets its turn in between.
constexpr std::size_t kChunkBytes = std::size_t{256} << 10;
// What is sent "soon" leaves when it has become this much.
constexpr std::size_t kSoonBytes = std::size_t{64} << 10;
// What leaves at once, before a look at what has come. Bare sockets, both ways at once over
// loopback, 1 and 4 MiB each way in us, by this and the sockets' buffers: 700 and 3000 with 4 MiB
// and the kernel's own choice; with 2 MB 240 and 2060 by 512 KiB, 300 and 1100 by 128 KiB, 390 and
// 1250 by 32 KiB. An all-to-all of 1 and 4 MiB a pair: 560 to 930 and 3300 to 3600 by 256 KiB, 710
// to 860 and 3300 to 3900 by 128 KiB, 1000 and 6000 by 64 KiB.
constexpr std::size_t kMostAtOnce = message::Inbox::kMostAtOnce;
constexpr std::size_t kMostParts = 64;

// Words that their owner may be writing (SetupBoard) are read as words.
std::vector<std::byte> copy_words(const std::byte* from, std::size_t bytes) {
  std::vector<std::byte> copy(bytes);
  std::size_t done = 0;
  if (reinterpret_cast<std::uintptr_t>(from) % sizeof(std::uint64_t) == 0) {
    for (; bytes - done >= sizeof(std::uint64_t); done += sizeof(std::uint64_t)) {
      auto* const word = reinterpret_cast<std::uint64_t*>(const_cast<std::byte*>(from) + done);
      const std::uint64_t value = std::atomic_ref(*word).load(std::memory_order_relaxed);
      std::memcpy(copy.data() + done, &value, sizeof(value));
    }
  }
  std::memcpy(copy.data() + done, from + done, bytes - done);
  return copy;
}

}  // namespace

void Link::open(Descriptor socket) {
  const std::lock_guard lock(sending_);
  socket_ = std::move(socket);
  open_.store(true, std::memory_order_release);
  write();
}

void Link::close(End end, const std::string& why) {
  if (closed_.exchange(true)) return;
  TUTTI_INFO(kNet, "a link has ended: {}", why);
  if (socket_) ::shutdown(socket_.get(), SHUT_RDWR);
  std::vector<Asked*> open;
  {
    const std::lock_guard lock(receiving_);
    for (const auto& [number, asked] : asked_) open.push_back(asked);
    for (Asked* const asked : open) end_asked(*asked, Asked::kFailed);
    destination_.reset();
    target_ = nullptr;
  }
  {
    const std::lock_guard lock(sending_);
    if (std::exchange(watched_, false)) node_.poller().count_waiting(-1);
    left_.store(pushed_.load(std::memory_order_relaxed), std::memory_order_release);
  }
  node_.on_closed(*this, end, why);
}

void Link::send(std::span<const std::byte> head, const message::Outbox::Reference& content,
                When when) {
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

void Link::push_out() {
  const std::lock_guard lock(sending_);
  if (!is_closed()) write();
}

void Link::write() {
  if (!open_.load(std::memory_order_relaxed)) return;
  soon_bytes_ = 0;
  for (std::size_t left = kMostAtOnce; !outbox_.empty();) {
    iovec parts[kMostParts];
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = outbox_.gather(parts, left);
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      outbox_.consume(static_cast<std::size_t>(sent));
      left -= std::min(left, static_cast<std::size_t>(sent));
      if (left > 0 || outbox_.empty()) continue;
      want_to_write(true);
      left_.store(outbox_.left(), std::memory_order_release);
      return;
    }
    if (errno == EINTR) continue;
    if (errno == EFAULT) {
      // Memory of a call that this process made, or was asked for.
      if (const std::uint32_t port = outbox_.spoil(); port != 0) node_.on_unreadable(port);
      continue;
    }
    if (errno != EAGAIN) break;  // receive() meets the end of the connection, and closes it
    want_to_write(true);
    left_.store(outbox_.left(), std::memory_order_release);
    return;
  }
  want_to_write(false);
  left_.store(outbox_.left(), std::memory_order_release);
}

void Link::want_to_write(bool want) {
  if (want == watched_) return;
  watched_ = want;
  node_.poller().count_waiting(want ? 1 : -1);
  node_.poller().watch(*this, want);
}

bool Link::receive() {
  if (!open_.load(std::memory_order_acquire) || is_closed()) return false;
  bool any = false;
  std::string why;
  End end = End::kBroken;
  {
    const std::lock_guard lock(receiving_);
    iovec places[message::Inbox::kMostPlaces];
    msghdr message{};
    message.msg_iov = places;
    message.msg_iovlen = inbox_.prepare(places);
    const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT);
    if (got > 0) {
      any = true;
      if (!inbox_.advance(static_cast<std::size_t>(got))) why = "it sent " + inbox_.complaint();
    } else if (got == 0) {
      end = End::kGone;
      why = end_of_stream();
    } else if (errno == EFAULT) {
      why = "it sent bytes for an address where nothing is";
    } else if (errno != EAGAIN && errno != EINTR) {
      end = end_of(errno);
      why = std::strerror(errno);
    }
  }
  if (!why.empty()) close(end, why);
  return any;
}

Link::End Link::end_of(int error) noexcept {
  return error == ECONNRESET || error == EPIPE ? End::kGone : End::kUnreachable;
}

std::string Link::end_of_stream() const {
  return inbox_.in_frame() ? "its process ended in the middle of a frame" : "its process ended";
}

void Link::ask(Asked& asked, const Endpoint& endpoint, Rank peer, WindowId window) {
  {
    const std::lock_guard lock(receiving_);
    if (is_closed()) {
      asked.state.store(Asked::kFailed, std::memory_order_release);
      return;
    }
    asked.number = ++last_number_;
    asked_[asked.number] = &asked;
  }
  message::FrameBytes head;
  encode(Frame{.kind = FrameKind::kGet,
               .window = static_cast<std::uint8_t>(window),
               .port = endpoint.peer(peer).port,
               .rank = static_cast<std::uint32_t>(endpoint.rank()),
               .tag = asked.number,
               .bytes = asked.wanted.size() * message::kRangeBytes},
         head);
  std::vector<std::byte> ranges(asked.wanted.size() * message::kRangeBytes);
  for (std::size_t i = 0; i < asked.wanted.size(); ++i) {
    const message::Wanted& wanted = asked.wanted[i];
    encode(message::WireRange{.offset = wanted.offset, .bytes = wanted.bytes},
           std::span<std::byte, message::kRangeBytes>(ranges.data() + i * message::kRangeBytes,
                                                      message::kRangeBytes));
  }
  send(head, std::move(ranges));
}

void Link::give_up(Asked& asked) {
  const std::lock_guard lock(receiving_);
  asked_.erase(asked.number);
}

void Link::end_asked(Asked& asked, Asked::State state) {
  message::Port& port = *asked.port;
  asked_.erase(asked.number);
  // Release pairs with the acquire of who waits; the struct is gone after it.
  asked.state.store(state, std::memory_order_seq_cst);
  port.ring();
}

void Link::forget(const Endpoint& endpoint) {
  {
    const std::lock_guard lock(receiving_);
    if (destination_.get() == &endpoint) {
      destination_.reset();
      target_ = nullptr;
    }
  }
  const std::lock_guard lock(sending_);
  outbox_.forget(endpoint.number());
}

bool Link::begin_content(const Frame& frame, std::string& complaint) {
  target_ = nullptr;
  if (frame.kind == FrameKind::kData) {
    const auto found = asked_.find(frame.tag);
    if (found == asked_.end()) return true;  // given up
    const Asked& asked = *found->second;
    if (asked.piece < asked.wanted.size() &&
        frame.bytes <= asked.wanted[asked.piece].bytes - asked.at) {
      target_ = asked.wanted[asked.piece].to + asked.at;
      return true;
    }
    complaint = "more than was asked for";
    return false;
  }
  destination_ = node_.endpoint(frame.port);
  if (!destination_ || destination_->standing().has_left()) return true;
  target_ = destination_->port().writable(static_cast<WindowId>(frame.window), frame.argument,
                                          frame.bytes);
  if (target_ != nullptr) return true;
  complaint = fmt::format("{} bytes for offset {} of window {}, which are not there", frame.bytes,
                          frame.argument, frame.window);
  return false;
}

std::span<std::byte> Link::place(const Frame& frame, std::uint64_t at) {
  if (frame.kind == FrameKind::kData && !asked_.contains(frame.tag)) return {};
  if (target_ == nullptr) return {};
  return {target_ + at, static_cast<std::size_t>(frame.bytes - at)};
}

// Addresses that a peer names are not trusted: where nothing is, that is an error of the peer.
bool Link::fill(const Frame& frame, std::span<std::byte> place, std::span<const std::byte> bytes,
                std::string& complaint) {
  if (frame.kind != FrameKind::kPut || static_cast<WindowId>(frame.window) != WindowId::kProcess) {
    std::memcpy(place.data(), bytes.data(), bytes.size());
    return true;
  }
  const iovec from{const_cast<std::byte*>(bytes.data()), bytes.size()};
  const iovec to{place.data(), bytes.size()};
  if (::process_vm_writev(::getpid(), &from, 1, &to, 1, 0) == static_cast<ssize_t>(bytes.size())) {
    return true;
  }
  complaint = fmt::format("{} bytes for address {}, where nothing is", bytes.size(),
                          fmt::ptr(place.data()));
  return false;
}

void Link::end_content(const Frame& frame) {
  destination_.reset();
  target_ = nullptr;
  if (frame.kind != FrameKind::kData) return;
  const auto found = asked_.find(frame.tag);
  if (found == asked_.end()) return;
  Asked& asked = *found->second;
  asked.at += static_cast<std::size_t>(frame.bytes);
  if (asked.at < asked.wanted[asked.piece].bytes) return;
  asked.at = 0;
  ++asked.piece;
}

bool Link::on_frame(const Frame& frame, std::span<const std::byte> content,
                    std::string& complaint) {
  switch (frame.kind) {
    case FrameKind::kAbsent:
    case FrameKind::kGetEnd: {
      const auto found = asked_.find(frame.tag);
      if (found == asked_.end()) return true;
      Asked& asked = *found->second;
      if (frame.kind == FrameKind::kGetEnd) {
        const bool whole = frame.argument == 0 && asked.piece == asked.wanted.size();
        end_asked(asked, whole ? Asked::kAnswered : Asked::kFailed);
      } else if (asked.piece < asked.wanted.size() && asked.at == 0) {
        asked.wanted[asked.piece++].absent = true;
      }
      return true;
    }
    case FrameKind::kNoPort:
      node_.on_port_gone(remote_, static_cast<std::uint32_t>(frame.argument));
      return true;
    default:
      break;
  }
  const std::shared_ptr<Endpoint> endpoint = node_.endpoint(frame.port);
  if (!endpoint) {
    if (frame.kind == FrameKind::kGet) end_answer(frame, 1);
    message::FrameBytes head;
    encode(Frame{.kind = FrameKind::kNoPort, .argument = frame.port}, head);
    if (frame.kind != FrameKind::kNews) send(head, {}, When::kNow);
    return true;
  }
  const auto ranks = static_cast<std::uint32_t>(endpoint->ranks());
  if (frame.rank >= ranks || (frame.kind == FrameKind::kNews && frame.tag >= ranks)) {
    complaint = fmt::format("something from or about a rank that its communicator does not have");
    return false;
  }
  switch (frame.kind) {
    case FrameKind::kPost: {
      LineContent line;
      line.stamp = message::decode_word(content.first<8>());
      std::memcpy(line.payload, content.data() + 8, sizeof(line.payload));
      if (endpoint->port().post(frame.tag, frame.argument, line)) return true;
      complaint = fmt::format("line {}, which there is not", frame.tag);
      return false;
    }
    case FrameKind::kGet:
      answer(*endpoint, frame, content);
      return true;
    case FrameKind::kNews:
      endpoint->on_news(static_cast<Rank>(frame.tag), static_cast<PeerState>(frame.window),
                        content);
      node_.on_news();
      return true;
    case FrameKind::kProposal:
    case FrameKind::kFailure: {
      const std::optional<Error> error = message::Standing::unpack(content);
      if (!error) {
        complaint = "an error that is none";
        return false;
      }
      if (frame.kind == FrameKind::kProposal) {
        endpoint->standing().on_proposal(static_cast<Rank>(frame.rank), *error);
      } else {
        endpoint->standing().on_failure(*error);
      }
      return true;
    }
    default:
      complaint = "a frame that belongs elsewhere";
      return false;
  }
}

void Link::answer(Endpoint& endpoint, const Frame& frame, std::span<const std::byte> ranges) {
  const auto window = static_cast<WindowId>(frame.window);
  // Calls that failed have given the user's memory back; survivors meet on control windows.
  const bool of_user = window == WindowId::kHeap || window == WindowId::kProcess;
  const message::Standing& standing = endpoint.standing();
  if (of_user && (standing.failed() || standing.has_left())) return end_answer(frame, 1);
  Frame part{.kind = FrameKind::kData, .tag = frame.tag};
  message::FrameBytes head;
  for (; !ranges.empty(); ranges = ranges.subspan(message::kRangeBytes)) {
    const message::WireRange range = message::decode_range(ranges.first<message::kRangeBytes>());
    const std::byte* const from = endpoint.port().readable(window, range.offset, range.bytes);
    if (from == nullptr || range.bytes == 0) {
      encode(Frame{.kind = FrameKind::kAbsent, .tag = frame.tag}, head);
      send(head, {}, When::kSoon);
      continue;
    }
    for (std::uint64_t at = 0; at < range.bytes; at += part.bytes) {
      part.bytes = std::min<std::uint64_t>(kChunkBytes, range.bytes - at);
      const auto bytes = static_cast<std::size_t>(part.bytes);
      encode(part, head);
      if (window == WindowId::kControl || window == WindowId::kHeapHeader) {
        send(head, copy_words(from + at, bytes));
      } else {
        send(head, {.bytes = {from + at, bytes}, .port = endpoint.number(), .request = frame.tag},
             When::kSoon);
      }
    }
  }
  end_answer(frame, 0);
}

void Link::end_answer(const Frame& frame, std::uint64_t how) {
  message::FrameBytes head;
  encode(Frame{.kind = FrameKind::kGetEnd, .tag = frame.tag, .argument = how}, head);
  send(head, {.bytes = {}, .port = 0, .request = frame.tag}, When::kNow);
}

}  // namespace tutti::tcp
