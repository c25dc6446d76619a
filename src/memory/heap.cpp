// Pages are backed and mapped when they are given out. Measured on 64 MiB: fallocate 20 ms, then
// either 40 ms spread over the first touches of 4 KiB or 27 ms in one MADV_POPULATE_WRITE.
// Populating here is less work in all, and keeps it out of the first collective. (Populating
// without fallocate: 66 ms.)
#include "memory/heap.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/error.hpp"
#include "base/fibre_host.hpp"
#include "base/log.hpp"
#include "topology/placement.hpp"

namespace tutti {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLarge = std::size_t{1} << 21;
// Sanitizers shadow what is mapped; and a process maps the heap of each of its peers.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kReserve = std::size_t{4} << 30;
constexpr std::size_t kHollowReserve = std::size_t{64} << 30;
#else
constexpr std::size_t kReserve = std::size_t{64} << 30;
constexpr std::size_t kHollowReserve = std::size_t{16} << 40;  // of 128 TiB
#endif
constexpr std::size_t kLeastReserve = std::size_t{64} << 20;

constinit std::atomic<Heap*> process_heap{nullptr};
using HeapSource = HeapPlace (*)();
constinit HeapSource heap_source = nullptr;

std::size_t in_whole_pages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

// Under a limit of address space or file size: an eighth of it, for heaps of peers take their share
// too.
std::size_t reserve_within_limits(std::size_t reserve) {
  for (const auto resource : {RLIMIT_AS, RLIMIT_FSIZE}) {
    rlimit limit{};
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) continue;
    while (reserve > kLeastReserve && reserve > limit.rlim_cur / 8) reserve /= 2;
  }
  return reserve;
}

Heap* make_process_heap() {
  auto* heap =
      heap_source != nullptr ? new Heap(heap_source()) : new Heap(reserve_within_limits(kReserve));
  process_heap.store(heap, std::memory_order_release);  // pairs with if_made's load
  TUTTI_INFO(kMem, "heap: {} MiB reserved at {}", heap->reserve_bytes() >> 20,
             fmt::ptr(heap->base()));
  return heap;
}

}  // namespace

Heap& Heap::of_this_process() {
  static Heap* const heap = make_process_heap();
  heap->check_process();
  return *heap;
}

Heap* Heap::if_made() noexcept {
  Heap* heap =
      process_heap.load(std::memory_order_acquire);  // pairs with make_process_heap's store
  return heap != nullptr && heap->generation_ == process_generation() ? heap : nullptr;
}

Heap* Heap::hollow() noexcept {
  FibreHost* const host = current_context().host;
  return host != nullptr ? host->hollow_heap() : nullptr;
}

Heap& Heap::for_payload() {
  Heap* const heap = hollow();
  return heap != nullptr ? *heap : of_this_process();
}

Heap& Heap::around(const void* pointer) {
  Heap* const heap = hollow();
  return heap != nullptr && heap->contains(pointer, 0) ? *heap : of_this_process();
}

Heap::Heap(std::size_t reserve_bytes)
    : reserve_(reserve_bytes),
      hollow_(false),
      file_(create_shared("tutti-heap", reserve_bytes + HeapHeader::kBytes)),
      mapping_(Mapping::shared(file_.get(), 0, reserve_bytes + HeapHeader::kBytes,
                               {.reserve_only = true, .alignment = kLarge}, "tutti-heap")),
      base_(mapping_.data()),
      handle_(handle_of(file_)),
      free_(reserve_bytes) {
  back_with_memory(file_, reserve_, HeapHeader::kBytes, "the shareable heap's header");
}

Heap::Heap(Hollow)
    : reserve_(reserve_within_limits(kHollowReserve)),
      hollow_(true),
      mapping_(Mapping::sparse(reserve_, kLarge, "payload that is not moved")),
      base_(mapping_.data()),
      free_(reserve_) {}

Heap::Heap(Hollow, std::byte* base, std::size_t reserve_bytes)
    : reserve_(reserve_bytes), hollow_(true), base_(base), free_(reserve_) {}

Heap::Heap(HeapPlace place)
    : reserve_(place.reserve),
      hollow_(false),
      file_(std::move(place.file)),
      first_(place.offset),
      base_(place.base),
      handle_(handle_of(file_)),
      free_(reserve_) {
  back_with_memory(file_, first_ + reserve_, HeapHeader::kBytes, "the shareable heap's header");
}

void Heap::come_from(HeapPlace (*source)()) noexcept { heap_source = source; }

std::size_t Heap::usual_reserve() noexcept { return kReserve; }

void Heap::check_process() const {
  if (generation_ != process_generation())
    fail(tuttiInvalidUsage,
         "this process was forked from process {}, whose shareable heap it does not have",
         handle_.pid);
}

void* Heap::allocate(std::size_t bytes) {
  check_process();
  if (bytes == 0) return nullptr;
  const std::size_t offset = take(bytes);
  if (!hollow_) back(offset, bytes);
  if (FibreHost* const host = current_context().host) host->gave(base_ + offset, bytes);
  return base_ + offset;
}

void Heap::back(std::size_t offset, std::size_t bytes) {
  // Smaller ones are touched first by this thread, a moment later; a policy for each would cut the
  // mapping into as many pieces.
  if (bytes >= kLarge) place_near_this_thread(base_ + offset, in_whole_pages(bytes));
  try {
    back_with_memory(file_, first_ + offset, in_whole_pages(bytes),
                     "an allocation from the shareable heap");
  } catch (...) {
    std::lock_guard lock(mutex_);
    forget(blocks_.find(offset));
    throw;
  }
  // Backed before it is announced. Release pairs with the load of peers, who read what this rank
  // points them to anyway only after a line that it posts later.
  auto& given = header().given;
  std::uint64_t before = given.load(std::memory_order_relaxed);
  const std::uint64_t end = offset + in_whole_pages(bytes);
  while (before < end && !given.compare_exchange_weak(before, end, std::memory_order_release)) {
  }
  populate(base_ + offset, in_whole_pages(bytes), Touch::kWrite);
}

// A block without memory behind it. Memory comes later, outside the lock: it takes long.
std::size_t Heap::take(std::size_t bytes) {
  std::lock_guard lock(mutex_);
  std::optional<std::size_t> offset;
  if (bytes <= reserve_)
    offset = free_.take(in_whole_pages(bytes), bytes >= kLarge ? kLarge : kPage);
  if (!offset)
    fail(tuttiSystemError, "{} has no {} bytes in one piece: {} of its {} bytes are in use",
         hollow_ ? "payload that is not moved" : "the shareable heap", bytes, taken_, reserve_);
  blocks_.emplace(*offset, Block{.bytes = bytes, .pins = {}});
  taken_ += in_whole_pages(bytes);
  return *offset;
}

void Heap::forget(std::map<std::size_t, Block>::const_iterator block) {
  const std::size_t taken = in_whole_pages(block->second.bytes);
  free_.give(block->first, taken);
  taken_ -= taken;
  blocks_.erase(block);
}

void Heap::free(void* pointer) {
  check_process();
  if (pointer == nullptr) return;
  std::lock_guard lock(mutex_);
  const auto offset = offset_of(pointer, 0);
  const auto block = offset ? blocks_.find(*offset) : blocks_.end();
  if (block == blocks_.end())
    fail(tuttiInvalidArgument, "{} is not the start of an allocation of tuttiMemAlloc", pointer);
  if (!block->second.pins.empty())
    fail(tuttiInvalidUsage, "{} ({} bytes) cannot be freed: {} uses it{}", pointer,
         block->second.bytes, block->second.pins.front(),
         block->second.pins.size() > 1 ? fmt::format(", and {} more", block->second.pins.size() - 1)
                                       : "");
  if (FibreHost* const host = current_context().host) host->took_back(pointer, block->second.bytes);
  const std::size_t bytes = in_whole_pages(block->second.bytes);
  for (HeapWatcher* const watcher : watchers_) watcher->on_free({base_ + *offset, bytes});
  if (hollow_) {
    discard(base_ + *offset, bytes);
  } else {
    give_memory_back(file_, first_ + *offset, bytes);
  }
  forget(block);
}

std::map<std::size_t, Heap::Block>::const_iterator Heap::block_around(std::size_t offset,
                                                                      std::size_t bytes) const {
  auto block = blocks_.upper_bound(offset);
  if (block == blocks_.begin()) return blocks_.end();
  --block;
  const std::size_t within = offset - block->first;
  const std::size_t size = block->second.bytes;
  return within <= size && bytes <= size - within ? block : blocks_.end();
}

std::optional<Heap::Allocation> Heap::find_allocation(const void* pointer,
                                                      std::size_t bytes) const {
  check_process();
  const auto offset = offset_of(pointer, bytes);
  if (!offset) return std::nullopt;
  std::lock_guard lock(mutex_);
  const auto block = block_around(*offset, bytes);
  if (block == blocks_.end()) return std::nullopt;
  return Allocation{.offset = block->first, .bytes = block->second.bytes};
}

HeapPin Heap::pin(const void* pointer, std::size_t bytes, std::string who) {
  check_process();
  std::lock_guard lock(mutex_);
  const auto offset = offset_of(pointer, bytes);
  const auto found = offset ? block_around(*offset, bytes) : blocks_.end();
  if (found == blocks_.end())
    fail(tuttiInvalidArgument, "{} with {} bytes does not lie in one allocation of tuttiMemAlloc",
         pointer, bytes);
  blocks_.at(found->first).pins.push_back(who);
  return HeapPin(this, found->first, std::move(who));
}

void Heap::unpin(std::size_t offset, const std::string& who) noexcept {
  if (generation_ != process_generation()) return;  // a forked child's copy of the pin
  std::lock_guard lock(mutex_);
  std::vector<std::string>& pins = blocks_.at(offset).pins;
  pins.erase(std::find(pins.begin(), pins.end(), who));
}

void Heap::watch(HeapWatcher& watcher) {
  std::lock_guard lock(mutex_);
  watchers_.push_back(&watcher);
}

void Heap::unwatch(HeapWatcher& watcher) noexcept {
  std::lock_guard lock(mutex_);
  std::erase(watchers_, &watcher);
}

std::size_t Heap::allocated_bytes() const {
  std::lock_guard lock(mutex_);
  return taken_;
}

HeapPin::HeapPin(HeapPin&& other) noexcept
    : heap_(std::exchange(other.heap_, nullptr)),
      offset_(other.offset_),
      who_(std::move(other.who_)) {}

HeapPin& HeapPin::operator=(HeapPin&& other) noexcept {
  std::swap(heap_, other.heap_);
  std::swap(offset_, other.offset_);
  std::swap(who_, other.who_);
  return *this;
}

HeapPin::~HeapPin() {
  if (heap_ != nullptr) heap_->unpin(offset_, who_);
}

}  // namespace tutti
