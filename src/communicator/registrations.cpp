#include "communicator/registrations.hpp"

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "base/mapping.hpp"

namespace tutti {

namespace {

HeapPin pin_if_in_heap(const void* buffer, std::size_t bytes, const std::string& who) {
  if (bytes == 0) return {};
  for (Heap* const heap : {Heap::hollow(), Heap::if_made()}) {
    if (heap != nullptr && heap->contains(buffer, bytes)) return heap->pin(buffer, bytes, who);
  }
  return {};
}

// What a rank brings to the registration of a window.
struct Bid {
  std::int32_t good;
  std::int32_t symmetric;
  std::uint64_t offset;
  std::uint64_t bytes;
};

void compare(const std::vector<Bid>& bids, const std::string& name) {
  for (Rank rank = 0; rank < static_cast<Rank>(bids.size()); ++rank) {
    const Bid& theirs = bids[static_cast<std::size_t>(rank)];
    if (!theirs.good) {
      fail_because_of({rank}, tuttiRemoteError,
                      "rank {} of \"{}\" brought memory to tuttiCommWindowRegister that is not "
                      "of one allocation of tuttiMemAlloc",
                      rank, name);
    }
  }
  for (Rank rank = 1; rank < static_cast<Rank>(bids.size()); ++rank) {
    const Bid& theirs = bids[static_cast<std::size_t>(rank)];
    if (theirs.symmetric != bids[0].symmetric) {
      fail_because_of({rank}, tuttiMismatch,
                      "ranks 0 and {} of \"{}\" differ in the flags of tuttiCommWindowRegister",
                      rank, name);
    }
    if (theirs.symmetric != 0 && theirs.bytes != bids[0].bytes) {
      fail_because_of({rank}, tuttiMismatch,
                      "a symmetric window on \"{}\" has {} bytes on rank 0, but {} on rank {}",
                      name, bids[0].bytes, theirs.bytes, rank);
    }
  }
}

std::size_t end_of(const Extents& extents) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < extents.counts.size(); ++i) {
    if (extents.counts[i] != 0) end = std::max(end, extents.displacements[i] + extents.counts[i]);
  }
  return end;
}

// The elements of a request's buffers on this rank.
struct Lengths {
  std::size_t send = 0;
  std::size_t recv = 0;
};

Lengths lengths_of(const Request& request, Rank rank, int ranks) {
  const std::size_t count = request.count;
  const std::size_t all = count * static_cast<std::size_t>(ranks);
  const bool root = request.root == rank;
  switch (request.kind) {
    case OperationKind::kAllReduce:
      return {count, count};
    case OperationKind::kBroadcast:
      return {root ? count : 0, count};
    case OperationKind::kReduce:
      return {count, root ? count : 0};
    case OperationKind::kAllGather:
      return {count, all};
    case OperationKind::kReduceScatter:
      return {all, count};
    case OperationKind::kAlltoAll:
      return {all, all};
    case OperationKind::kGather:
      return {count, root ? all : 0};
    case OperationKind::kScatter:
      return {root ? all : 0, count};
    case OperationKind::kAlltoAllv:
      return {end_of(request.send_extents), end_of(request.recv_extents)};
    case OperationKind::kAllGatherv:
      return {count, end_of(request.recv_extents)};
    case OperationKind::kReduceScatterv:
      return {end_of(request.send_extents),
              request.send_extents.counts[static_cast<std::size_t>(rank)]};
    default:
      return {request.send != nullptr ? count : 0, request.recv != nullptr ? count : 0};
  }
}

}  // namespace

Registrations::Announced::Announced(Transport& transport, std::span<std::byte> memory)
    : transport_(transport), memory_(memory) {
  transport_.announce_memory(memory_);
}

void* Registrations::add(Kind kind, void* buffer, std::size_t bytes, Channel& channel) {
  auto made = std::make_unique<Registration>();
  made->kind = kind;
  const auto in_heap = [&](Heap* heap) { return heap != nullptr && heap->contains(buffer, bytes); };
  if (in_heap(Heap::hollow()) || in_heap(Heap::if_made())) {
    made->pin = pin_if_in_heap(
        buffer, bytes, fmt::format("a registration on communicator \"{}\"", channel.name()));
  } else {
    made->announced.emplace(channel.transport(), std::span(static_cast<std::byte*>(buffer), bytes));
  }
  registrations_.push_back(std::move(made));
  return registrations_.back().get();
}

void Registrations::remove(Kind kind, const void* handle) {
  const auto found =
      std::find_if(registrations_.begin(), registrations_.end(), [&](const auto& registration) {
        return registration.get() == handle && registration->kind == kind;
      });
  if (found == registrations_.end()) {
    fail(tuttiInvalidArgument, "{} is no {} of this communicator", handle,
         kind == Kind::kWindow ? "window" : "registration");
  }
  registrations_.erase(found);
}

void* register_window(Channel& channel, SetupState& setup, Registrations& registrations,
                      const WindowRequest& request) {
  const Heap& heap = Heap::around(request.buffer);
  const auto offset = heap.offset_of(request.buffer, request.bytes);
  const bool good = heap.find_allocation(request.buffer, request.bytes).has_value();
  std::vector<Rank> everyone(static_cast<std::size_t>(channel.ranks()));
  std::iota(everyone.begin(), everyone.end(), 0);
  SetupExchange exchange(channel, setup, std::move(everyone), SetupPurpose::kWindow,
                         "tuttiCommWindowRegister");
  const auto bids = all_gather_value(exchange, Bid{.good = good,
                                                   .symmetric = request.symmetric,
                                                   .offset = offset.value_or(0),
                                                   .bytes = request.bytes});
  exchange.complete();
  if (!good) {
    fail(tuttiInvalidArgument,
         "buff {} with {} bytes does not lie in one allocation of tuttiMemAlloc", request.buffer,
         request.bytes);
  }
  compare(bids, channel.name());
  // Where reads wait, no page of a peer is mapped here.
  for (Rank peer = 0; peer < channel.ranks() && !channel.reads_wait(); ++peer) {
    const Bid& bid = bids[static_cast<std::size_t>(peer)];
    populate(channel.view(peer, {MemoryRef::Where::kHeap, bid.offset}, bid.bytes), bid.bytes,
             Touch::kRead);
  }
  return registrations.add(Registrations::Kind::kWindow, request.buffer, request.bytes, channel);
}

BufferPins::BufferPins(const Request& request, Rank rank, int ranks,
                       const std::string& communicator) {
  const Lengths lengths = lengths_of(request, rank, ranks);
  const std::string who = fmt::format("an operation on communicator \"{}\"", communicator);
  send_ = pin_if_in_heap(request.send, lengths.send * request.element_bytes(), who);
  recv_ = pin_if_in_heap(request.recv, lengths.recv * request.element_bytes(), who);
}

BufferPins::BufferPins(const Message& message, const std::string& communicator) {
  const std::string who = fmt::format("a message on communicator \"{}\"", communicator);
  send_ = pin_if_in_heap(message.send, message.bytes, who);
  recv_ = pin_if_in_heap(message.recv, message.bytes, who);
}

}  // namespace tutti
