#include "transports/message/delivery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>

#include "transports/message/endpoint.hpp"
#include "transports/message/guarded_copy.hpp"
#include "transports/message/link.hpp"
#include "transports/message/node.hpp"

namespace tutti::message {

namespace {

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

bool Delivery::expect(Asked& asked) {
  if (ended_) {
    asked.state.store(Asked::kFailed, std::memory_order_release);
    return false;
  }
  asked.number = ++last_number_;
  asked_[asked.number] = &asked;
  return true;
}

void Delivery::end_asked(Asked& asked, Asked::State state) {
  Port& port = *asked.port;
  asked_.erase(asked.number);
  // Release pairs with the acquire of who waits; the struct is gone after it.
  asked.state.store(state, std::memory_order_seq_cst);
  port.ring();
}

void Delivery::end() {
  ended_ = true;
  while (!asked_.empty()) end_asked(*asked_.begin()->second, Asked::kFailed);
  destination_.reset();
  target_ = nullptr;
}

void Delivery::forget(const Endpoint& endpoint) {
  if (destination_.get() != &endpoint) return;
  destination_.reset();
  target_ = nullptr;
}

bool Delivery::begin_content(const Frame& frame, std::string& complaint) {
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

std::span<std::byte> Delivery::place(const Frame& frame, std::uint64_t at) {
  if (frame.kind == FrameKind::kData && !asked_.contains(frame.tag)) return {};
  if (target_ == nullptr) return {};
  return {target_ + at, static_cast<std::size_t>(frame.bytes - at)};
}

// Addresses that a peer names are not trusted: where nothing is, that is an error of the peer.
bool Delivery::fill(const Frame& frame, std::span<std::byte> place,
                    std::span<const std::byte> bytes, std::string& complaint) {
  if (frame.kind != FrameKind::kPut || static_cast<WindowId>(frame.window) != WindowId::kProcess) {
    std::memcpy(place.data(), bytes.data(), bytes.size());
    return true;
  }
  if (copy_if_there(place.data(), bytes)) return true;
  complaint = fmt::format("{} bytes for address {}, where nothing is", bytes.size(),
                          fmt::ptr(place.data()));
  return false;
}

void Delivery::end_content(const Frame& frame) {
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

bool Delivery::on_frame(const Frame& frame, std::span<const std::byte> content,
                        std::string& complaint) {
  if (frame.kind == FrameKind::kAbsent || frame.kind == FrameKind::kGetEnd) {
    on_answer(frame);
    return true;
  }
  if (frame.kind == FrameKind::kNoPort) {
    node_.on_port_gone(link_.remote(), static_cast<std::uint32_t>(frame.argument));
    return true;
  }
  if (frame.kind == FrameKind::kPing) link_.send_bare(FrameKind::kPong);
  if (frame.kind == FrameKind::kPing || frame.kind == FrameKind::kPong) return true;
  const std::shared_ptr<Endpoint> endpoint = node_.endpoint(frame.port);
  if (!endpoint) {
    refuse(frame);
    return true;
  }
  const auto ranks = static_cast<std::uint32_t>(endpoint->ranks());
  if (frame.rank >= ranks || (frame.kind == FrameKind::kNews && frame.tag >= ranks)) {
    complaint = "something from or about a rank that its communicator does not have";
    return false;
  }
  switch (frame.kind) {
    case FrameKind::kPost:
      return on_post(*endpoint, frame, content, complaint);
    case FrameKind::kGet:
      answer(*endpoint, frame, content);
      return true;
    case FrameKind::kNews:
      endpoint->on_news(static_cast<Rank>(frame.tag), static_cast<PeerState>(frame.window),
                        content);
      node_.on_news();
      return true;
    default:
      return on_error(*endpoint, frame, content, complaint);
  }
}

void Delivery::on_answer(const Frame& frame) {
  const auto found = asked_.find(frame.tag);
  if (found == asked_.end()) return;
  Asked& asked = *found->second;
  if (frame.kind == FrameKind::kGetEnd) {
    const bool whole = frame.argument == 0 && asked.piece == asked.wanted.size();
    end_asked(asked, whole ? Asked::kAnswered : Asked::kFailed);
  } else if (asked.piece < asked.wanted.size() && asked.at == 0) {
    asked.wanted[asked.piece++].absent = true;
  }
}

// For an endpoint that is not there any more.
void Delivery::refuse(const Frame& frame) {
  if (frame.kind == FrameKind::kNews) return;
  if (frame.kind == FrameKind::kGet) end_answer(frame, 1);
  FrameBytes head;
  encode(Frame{.kind = FrameKind::kNoPort, .argument = frame.port}, head);
  link_.send(head, {}, Link::When::kNow);
}

bool Delivery::on_post(Endpoint& endpoint, const Frame& frame, std::span<const std::byte> content,
                       std::string& complaint) {
  LineContent line;
  line.stamp = decode_word(content.first<8>());
  std::memcpy(line.payload, content.data() + 8, sizeof(line.payload));
  if (endpoint.port().post(frame.tag, frame.argument, line)) return true;
  complaint = fmt::format("line {}, which there is not", frame.tag);
  return false;
}

bool Delivery::on_error(Endpoint& endpoint, const Frame& frame, std::span<const std::byte> content,
                        std::string& complaint) {
  const std::optional<Error> error = Standing::unpack(content);
  if (!error) {
    complaint = "an error that is none";
    return false;
  }
  if (frame.kind == FrameKind::kProposal) {
    endpoint.standing().on_proposal(static_cast<Rank>(frame.rank), *error);
  } else {
    endpoint.standing().on_failure(*error);
  }
  return true;
}

void Delivery::answer(Endpoint& endpoint, const Frame& frame, std::span<const std::byte> ranges) {
  const auto window = static_cast<WindowId>(frame.window);
  // Calls that failed have given the user's memory back; survivors meet on control windows.
  const bool of_user = window == WindowId::kHeap || window == WindowId::kProcess;
  const Standing& standing = endpoint.standing();
  if (of_user && (standing.failed() || standing.has_left())) return end_answer(frame, 1);
  Frame part{.kind = FrameKind::kData, .tag = frame.tag};
  FrameBytes head;
  for (; !ranges.empty(); ranges = ranges.subspan(kRangeBytes)) {
    const WireRange range = decode_range(ranges.first<kRangeBytes>());
    const std::byte* const from = endpoint.port().readable(window, range.offset, range.bytes);
    if (from == nullptr || range.bytes == 0) {
      encode(Frame{.kind = FrameKind::kAbsent, .tag = frame.tag}, head);
      link_.send(head, {}, Link::When::kSoon);
      continue;
    }
    for (std::uint64_t at = 0; at < range.bytes; at += part.bytes) {
      part.bytes = std::min<std::uint64_t>(link_.answer_bytes(), range.bytes - at);
      const auto bytes = static_cast<std::size_t>(part.bytes);
      encode(part, head);
      if (window == WindowId::kControl || window == WindowId::kHeapHeader) {
        link_.send(head, copy_words(from + at, bytes));
      } else {
        link_.send(head,
                   {.bytes = {from + at, bytes}, .port = endpoint.number(), .request = frame.tag},
                   Link::When::kSoon);
      }
    }
  }
  end_answer(frame, 0);
}

void Delivery::end_answer(const Frame& frame, std::uint64_t how) {
  FrameBytes head;
  encode(Frame{.kind = FrameKind::kGetEnd, .tag = frame.tag, .argument = how}, head);
  link_.send(head, {.bytes = {}, .port = 0, .request = frame.tag}, Link::When::kNow);
}

}  // namespace tutti::message
