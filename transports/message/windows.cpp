#include "transports/message/windows.hpp"

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "kernels/copy.hpp"
#include "memory/heap.hpp"

namespace tutti::message {

namespace {

// Adjacent ranges of one peer that go to adjacent places are one.
void add(std::vector<Wanted>& list, const Wanted& wanted) {
  if (!list.empty()) {
    Wanted& last = list.back();
    if (last.peer == wanted.peer && last.offset + last.bytes == wanted.offset &&
        last.to + last.bytes == wanted.to) {
      last.bytes += wanted.bytes;
      return;
    }
  }
  list.push_back(wanted);
}

[[noreturn]] void fail_absent(Rank peer, std::size_t offset, std::size_t bytes) {
  fail_because_of({peer}, tuttiSystemError,
                  "rank {} does not have the {} bytes at offset {} that were to be read", peer,
                  bytes, offset);
}

[[noreturn]] void fail_no_shared_words(const char* call) {
  fail(tuttiInternalError, "{} on a transport of messages, which has no Access::shared_words",
       call);
}

}  // namespace

template <typename Contract>
bool MessageWindow<Contract>::is_there(Rank, std::size_t offset, std::size_t bytes) {
  return in_segment(offset, bytes);
}

template <typename Contract>
void MessageWindow<Contract>::view(std::span<View> pieces) {
  std::vector<Wanted> wanted;
  for (View& piece : pieces) {
    piece.data = nullptr;
    if (piece.peer == port_->rank()) {
      piece.data = port_->readable(window_, piece.offset, piece.bytes);
    } else if (is_there(piece.peer, piece.offset, piece.bytes)) {
      std::byte* const mirror = mirrors_.of(piece.peer) + piece.offset;
      piece.data = mirror;
      if (piece.bytes == 0) continue;
      add(wanted, {.peer = piece.peer, .offset = piece.offset, .to = mirror, .bytes = piece.bytes});
    }
  }
  if (wanted.empty()) return;
  carrier_.fetch(window_, wanted);
  for (const Wanted& each : wanted) {
    if (each.absent) fail_absent(each.peer, each.offset, each.bytes);
  }
}

template <typename Contract>
std::span<std::byte> MessageWindow<Contract>::reach(Rank peer, std::size_t offset,
                                                    std::size_t bytes) {
  if (peer == port_->rank()) {
    std::byte* const own = port_->writable(window_, offset, bytes);
    return {own, own != nullptr ? bytes : 0};
  }
  if (!is_there(peer, offset, bytes)) return {};
  return {mirrors_.of(peer) + offset, bytes};
}

template <typename Contract>
void MessageWindow<Contract>::commit(Rank peer, std::size_t offset, std::size_t bytes) {
  if (peer == port_->rank() || bytes == 0) return;
  const Piece piece{.source = {mirrors_.of(peer) + offset, bytes}, .offset = offset};
  while (!carrier_.put(peer, window_, {&piece, 1})) {
  }
}

template <typename Contract>
bool MessageWindow<Contract>::put(Rank peer, std::span<const Piece> pieces) {
  const bool own = peer == port_->rank();
  for (const Piece& piece : pieces) {
    if (own ? port_->writable(window_, piece.offset, piece.source.size()) == nullptr
            : !is_there(peer, piece.offset, piece.source.size())) {
      fail(tuttiInternalError, "a put of {} bytes at offset {} leaves rank {}'s segment",
           piece.source.size(), piece.offset, peer);
    }
    if (!own) continue;
    kernels::copy(port_->writable(window_, piece.offset, piece.source.size()), piece.source.data(),
                  piece.source.size());
  }
  return own || carrier_.put(peer, window_, pieces);
}

template <typename Contract>
void MessageWindow<Contract>::get(std::span<const Fetch> pieces) {
  std::vector<Wanted> wanted;
  wanted.reserve(pieces.size());
  for (const Fetch& piece : pieces) {
    const std::size_t bytes = piece.destination.size();
    if (bytes == 0) continue;
    if (piece.peer == port_->rank()) {
      const std::byte* const own = port_->readable(window_, piece.offset, bytes);
      if (own == nullptr) fail_absent(piece.peer, piece.offset, bytes);
      kernels::copy(piece.destination.data(), own, bytes);
    } else {
      add(wanted, {.peer = piece.peer,
                   .offset = piece.offset,
                   .to = piece.destination.data(),
                   .bytes = bytes});
    }
  }
  if (wanted.empty()) return;
  carrier_.fetch(window_, wanted);
  for (const Wanted& each : wanted) {
    if (each.absent) fail_absent(each.peer, each.offset, each.bytes);
  }
}

template class MessageWindow<Window>;
template class MessageWindow<ControlWindow>;

MessageControl::MessageControl(Carrier& carrier, std::shared_ptr<Port> port)
    : MessageWindow(carrier, port, WindowId::kControl, port->control().size()) {}

void MessageControl::post(Rank peer, LineId line, std::uint64_t value, const LineContent& content) {
  if (peer == port_->rank()) {
    port_->post(line, value, content);
  } else {
    carrier_.post(peer, line, value, content);
  }
}

void MessageControl::post_all(LineId, std::uint64_t, const LineContent&) {
  fail_no_shared_words("post_all");
}

std::uint64_t MessageControl::fetch_add(Rank, std::size_t, std::uint64_t) {
  fail_no_shared_words("fetch_add");
}

MessageHeap::MessageHeap(Carrier& carrier, std::shared_ptr<Port> port)
    : MessageWindow(carrier, port, WindowId::kHeap, Heap::of_this_process().reserve_bytes()),
      given_(
          std::make_unique<std::atomic<std::uint64_t>[]>(static_cast<std::size_t>(port->ranks()))) {
}

std::span<std::byte> MessageHeap::local() noexcept {
  const Heap& heap = Heap::of_this_process();
  return {heap.base(), heap.reserve_bytes()};
}

bool MessageHeap::is_there(Rank peer, std::size_t offset, std::size_t bytes) {
  if (!in_segment(offset, bytes)) return false;
  auto& given = given_[static_cast<std::size_t>(peer)];
  if (offset + bytes <= given.load(std::memory_order_relaxed)) return true;
  std::byte word[sizeof(std::uint64_t)];
  Wanted wanted{.peer = peer, .offset = 0, .to = word, .bytes = sizeof(word)};
  carrier_.fetch(WindowId::kHeapHeader, {&wanted, 1});
  std::uint64_t now = 0;
  std::memcpy(&now, word, sizeof(now));
  given.store(now, std::memory_order_relaxed);
  return offset + bytes <= now;
}

void MessageProcess::view(std::span<View> pieces) {
  for (View& piece : pieces) {
    const bool own = piece.peer == port_->rank();
    piece.data = own ? reinterpret_cast<const std::byte*>(piece.offset) : nullptr;
  }
}

std::span<std::byte> MessageProcess::reach(Rank peer, std::size_t offset, std::size_t bytes) {
  if (peer != port_->rank()) return {};
  return {reinterpret_cast<std::byte*>(offset), bytes};
}

bool MessageProcess::put(Rank peer, std::span<const Piece> pieces) {
  if (peer != port_->rank()) return carrier_.put(peer, WindowId::kProcess, pieces);
  for (const Piece& piece : pieces) {
    kernels::copy(reinterpret_cast<std::byte*>(piece.offset), piece.source.data(),
                  piece.source.size());
  }
  return true;
}

}  // namespace tutti::message
