#include "transports/ub/processes/process_windows.hpp"

#include "base/error.hpp"
#include "memory/heap.hpp"

namespace tutti::ub {

namespace {

[[noreturn]] void fail_no_shared_words(const char* call) {
  fail(tuttiInternalError, "{} on transport ub, which has no Access::shared_words", call);
}

}  // namespace

template <typename Contract>
bool ProcessWindow<Contract>::put(Rank peer, std::span<const Piece> pieces) {
  std::vector<wire::PutPiece> list;
  list.reserve(pieces.size());
  for (const Piece& piece : pieces) {
    list.push_back({.source = reinterpret_cast<std::uintptr_t>(piece.source.data()),
                    .bytes = piece.source.size(),
                    .offset = piece.offset});
  }
  const auto bytes = std::as_bytes(std::span(list));
  wire::Put put{.transport = port_.transport,
                .where = where_,
                .peer = peer,
                .count = static_cast<std::uint32_t>(list.size()),
                .elsewhere = 0};
  if (ClientLane::fits(sizeof(put), bytes.size())) {
    port_.lane().queue(put, bytes);
  } else {
    put.elsewhere = reinterpret_cast<std::uintptr_t>(list.data());
    port_.lane().queue(put);
    port_.lane().call(wire::Settle{});
  }
  return true;
}

template <typename Contract>
void ProcessWindow<Contract>::get(std::span<const Fetch> pieces) {
  std::vector<wire::FetchPiece> list;
  list.reserve(pieces.size());
  for (const Fetch& piece : pieces) {
    list.push_back({.peer = piece.peer,
                    .destination = reinterpret_cast<std::uintptr_t>(piece.destination.data()),
                    .bytes = piece.destination.size(),
                    .offset = piece.offset});
  }
  port_.lane().call(wire::Get{.transport = port_.transport,
                              .where = where_,
                              .pieces = reinterpret_cast<std::uintptr_t>(list.data()),
                              .count = list.size()});
}

template class ProcessWindow<Window>;
template class ProcessWindow<ControlWindow>;

ProcessControl::ProcessControl(const ProcessPort& port, const ControlSegment& segment,
                               const wire::ControlFile& file)
    : ProcessWindow(port, wire::Where::kControl), segment_(segment), stride_(file.stride) {
  const Descriptor descriptor = open_shared(file.file);
  memory_ = Mapping::shared(descriptor.get(), 0, file.file.bytes, {.reserve_only = true},
                            "control segments of simulated ranks");
}

std::span<std::byte> ProcessControl::local() noexcept {
  return {memory_.data() + static_cast<std::size_t>(port_.rank) * stride_, segment_.bytes};
}

void ProcessControl::post(Rank peer, LineId line, std::uint64_t value, const LineContent& content) {
  wire::Post post{.transport = port_.transport,
                  .peer = peer,
                  .value = value,
                  .line = line,
                  .stamp = content.stamp};
  std::memcpy(post.payload, content.payload, sizeof(post.payload));
  port_.lane().queue(post);
}

void ProcessControl::post_all(LineId, std::uint64_t, const LineContent&) {
  fail_no_shared_words("post_all");
}

std::uint64_t ProcessControl::fetch_add(Rank, std::size_t, std::uint64_t) {
  fail_no_shared_words("fetch_add");
}

std::size_t ProcessControl::place_of(const Doorbell& bell) const {
  const auto offset =
      reinterpret_cast<std::uintptr_t>(&bell) - reinterpret_cast<std::uintptr_t>(memory_.data());
  if (offset > memory_.size() - sizeof(Doorbell)) {
    fail(tuttiInternalError, "a rank sleeps on what is no doorbell of its communicator");
  }
  return offset;
}

std::byte* ProcessControl::place(Rank peer, std::size_t offset, std::size_t bytes) {
  if (offset > segment_.bytes || bytes > segment_.bytes - offset) return nullptr;
  return memory_.data() + static_cast<std::size_t>(peer) * stride_ + offset;
}

ProcessHeap::ProcessHeap(const ProcessPort& port) : ProcessWindow(port, wire::Where::kHeap) {
  port.lane().call(
      wire::OpenHeap{.address = reinterpret_cast<std::uintptr_t>(Heap::of_this_process().base())});
}

std::span<std::byte> ProcessHeap::local() noexcept {
  const Heap& heap = Heap::of_this_process();
  return {heap.base(), heap.reserve_bytes()};
}

std::byte* ProcessHeap::place(Rank peer, std::size_t offset, std::size_t bytes) {
  std::byte* const base = port_.owner.heap(port_.places[static_cast<std::size_t>(peer)]);
  // Acquire pairs with the release in Heap::allocate.
  const std::size_t given = HeapHeader::of(base, port_.owner.heap_reserve() + HeapHeader::kBytes)
                                .given.load(std::memory_order_acquire);
  if (offset <= given && bytes <= given - offset) return base + offset;
  auto* const there = reinterpret_cast<std::byte*>(reinterpret_cast<std::uintptr_t>(base) + offset);
  return port_.owner.is_hollow(there) ? there : nullptr;
}

}  // namespace tutti::ub
