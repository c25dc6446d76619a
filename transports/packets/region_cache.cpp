#include "transports/packets/region_cache.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/mapping.hpp"

namespace tutti::packets {

namespace {

bool lies_in_range(std::span<const std::byte> part, std::span<const std::byte> whole) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(part.data());
  const auto begin = reinterpret_cast<std::uintptr_t>(whole.data());
  return at >= begin && at - begin <= whole.size() && part.size() <= whole.size() - (at - begin);
}

bool overlap(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
  return a.data() < b.data() + b.size() && b.data() < a.data() + a.size();
}

}  // namespace

RegionCache::RegionCache(Fabric& fabric, const Limits& limits) : fabric_(fabric), limits_(limits) {}

RegionCache::~RegionCache() {
  // In a forked child the heap is the parent's, and so was this.
  if (heap_ != nullptr && heap_ == Heap::if_made()) heap_->unwatch(*this);
  if (counts_.hits + counts_.misses + counts_.passing == 0) return;
  TUTTI_INFO(kNet,
             "registrations: {} found, {} made and kept, {} made for one transfer, {} given up for "
             "others, {} whose memory went",
             counts_.hits, counts_.misses, counts_.passing, counts_.evicted, counts_.forgotten);
}

RegionCache::Lent RegionCache::lend_source(std::span<const std::byte> memory) {
  return lend({const_cast<std::byte*>(memory.data()), memory.size()}, Use::kSource);
}

RegionCache::Lent RegionCache::lend(std::span<std::byte> memory, Use use) {
  for (;;) {
    // Acquire pairs with the release in forget(): what is known after it is not what has gone.
    const std::uint64_t gone = gone_.load(std::memory_order_acquire);
    const auto known = known_around(memory);
    if (use == Use::kSource && !fabric_.capabilities().registers_local) {
      if (!known && !populate(memory.data(), memory.size(), Touch::kRead)) return nullptr;
      return std::make_shared<Registration>(memory, nullptr, RemoteAddress{});
    }
    const std::lock_guard lock(mutex_);
    if (!known) {
      ++counts_.passing;
      return make(memory, use);
    }
    if (gone_.load(std::memory_order_relaxed) == gone) return keep(memory, *known, use);
  }
}

// Others that have it hear that their writes have failed, and get another one.
void RegionCache::close(const Lent& place) noexcept {
  const std::lock_guard lock(mutex_);
  const auto kept = std::find_if(kept_.begin(), kept_.end(),
                                 [&place](const Kept& each) { return each.lent == place; });
  if (kept != kept_.end()) {
    kept_bytes_ -= place->memory().size();
    kept_.erase(kept);
  }
  place->region_.reset();
}

std::optional<std::span<std::byte>> RegionCache::known_around(std::span<std::byte> memory) {
  Heap* const heap = Heap::if_made();
  const bool in_heap = heap != nullptr && heap->contains(memory.data(), memory.size());
  if (in_heap) {
    bool is_new = false;
    {
      const std::lock_guard lock(mutex_);
      is_new = heap_ != heap;
      heap_ = heap;
    }
    if (is_new) heap->watch(*this);
    const auto allocation = heap->find_allocation(memory.data(), memory.size());
    if (!allocation) return std::nullopt;
    return std::span(heap->base() + allocation->offset, allocation->bytes);
  }
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(declared_.begin(), declared_.end(), [memory](const auto& range) {
    return lies_in_range(memory, range);
  });
  return found != declared_.end() ? std::optional(*found) : std::nullopt;
}

RegionCache::Lent RegionCache::find(std::span<const std::byte> memory, Use use) {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& each) {
    return each.use == use && lies_in_range(memory, each.lent->memory());
  });
  if (found == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found);
  ++counts_.hits;
  return kept_.front().lent;
}

RegionCache::Lent RegionCache::keep(std::span<std::byte> memory, std::span<std::byte> known,
                                    Use use) {
  if (Lent found = find(memory, use)) return found;
  // A whole allocation is registered once, unless it would leave no room for others.
  ++counts_.misses;
  Lent made = make(known.size() <= limits_.bytes / 4 ? known : memory, use);
  if (made == nullptr) return nullptr;
  kept_.push_front({use, made});
  kept_bytes_ += made->memory().size();
  evict_beyond(limits_);
  return made;
}

// Some networks want memory behind all of it before (FI_MR_ALLOCATED). What cannot be registered
// beside what is kept may be in its place.
RegionCache::Lent RegionCache::make(std::span<std::byte> memory, Use use) {
  const Touch touch = use == Use::kPlace ? Touch::kWrite : Touch::kRead;
  if (!populate(memory.data(), memory.size(), touch)) return nullptr;
  Writer& writer = *fabric_.writer();
  for (;;) {
    try {
      if (use == Use::kSource) {
        return std::make_shared<Registration>(memory, fabric_.register_memory(memory),
                                              RemoteAddress{});
      }
      std::unique_ptr<Region> region = writer.open_to_peers(memory);
      const RemoteAddress remote = writer.address_of(*region);
      return std::make_shared<Registration>(memory, std::move(region), remote);
    } catch (const Error& error) {
      const std::size_t before = kept_.size();
      evict_beyond({.regions = 0, .bytes = 0});
      if (kept_.size() != before) continue;
      TUTTI_INFO(kNet, "{} bytes are not registered, and travel in messages: {}", memory.size(),
                 error.what());
      return nullptr;
    }
  }
}

void RegionCache::evict_beyond(const Limits& limits) noexcept {
  for (auto each = kept_.end(); each != kept_.begin();) {
    if (kept_.size() <= limits.regions && kept_bytes_ <= limits.bytes) return;
    --each;
    if (each->lent.use_count() > 1) continue;
    kept_bytes_ -= each->lent->memory().size();
    ++counts_.evicted;
    each = kept_.erase(each);
  }
}

void RegionCache::declare(std::span<std::byte> memory) {
  const std::lock_guard lock(mutex_);
  declared_.push_back(memory);
}

void RegionCache::undeclare(std::span<const std::byte> memory) noexcept {
  {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(declared_.begin(), declared_.end(), [memory](const auto& range) {
          return range.data() == memory.data() && range.size() == memory.size();
        });
    if (found != declared_.end()) declared_.erase(found);
  }
  forget(memory);
}

void RegionCache::forget(std::span<const std::byte> memory) noexcept {
  std::list<Kept> going;  // ends outside of the lock
  const std::lock_guard lock(mutex_);
  gone_.fetch_add(1, std::memory_order_release);
  for (auto each = kept_.begin(); each != kept_.end();) {
    const auto next = std::next(each);
    if (overlap(each->lent->memory(), memory)) {
      kept_bytes_ -= each->lent->memory().size();
      ++counts_.forgotten;
      going.splice(going.end(), kept_, each);
    }
    each = next;
  }
}

RegionCache::Counts RegionCache::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::size_t RegionCache::kept_bytes() const {
  const std::lock_guard lock(mutex_);
  return kept_bytes_;
}

std::size_t RegionCache::kept() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

}  // namespace tutti::packets
