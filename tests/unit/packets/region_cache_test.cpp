#include "transports/packets/region_cache.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <vector>

#include "tests/unit/packets/region_fabric.hpp"

namespace tutti::packets {
namespace {

// An allocation of the process's heap.
class HeapBlock {
 public:
  explicit HeapBlock(std::size_t bytes)
      : bytes_(bytes), data_(static_cast<std::byte*>(Heap::of_this_process().allocate(bytes))) {}
  ~HeapBlock() { free(); }
  HeapBlock(const HeapBlock&) = delete;
  HeapBlock& operator=(const HeapBlock&) = delete;

  void free() {
    Heap::of_this_process().free(data_);
    data_ = nullptr;
  }
  std::span<std::byte> all() const { return {data_, bytes_}; }

 private:
  std::size_t bytes_;
  std::byte* data_;
};

TEST(RegionCache, AnAllocationOfTheHeapIsRegisteredOnceAsAWhole) {
  RegionFabric fabric(false);
  RegionCache cache(fabric);
  const HeapBlock block(100'000);
  const std::byte* const byte = block.all().data() + 50'000;
  const auto first = cache.lend_place(block.all().subspan(10, 20));
  const auto second = cache.lend_place(block.all().subspan(50'000));
  EXPECT_EQ(first, second);
  EXPECT_EQ(second->address_of(byte).address, reinterpret_cast<std::uintptr_t>(byte));
  EXPECT_EQ(cache.counts().misses, 1U);
  EXPECT_EQ(cache.counts().hits, 1U);
  EXPECT_EQ(cache.kept_bytes(), 100'000U);
}

TEST(RegionCache, ARegistrationEndsBeforeItsMemoryIsGivenBack) {
  RegionFabric fabric(false);
  RegionCache cache(fabric);
  HeapBlock block(5000);
  const std::uint64_t key = cache.lend_place(block.all())->address_of(block.all().data()).key;
  EXPECT_TRUE(fabric.is_open(key));
  block.free();
  EXPECT_FALSE(fabric.is_open(key));
  EXPECT_EQ(cache.kept(), 0U);
  EXPECT_EQ(cache.counts().forgotten, 1U);
  // What is given out next lies there again, and is registered anew.
  const HeapBlock next(5000);
  EXPECT_TRUE(fabric.is_open(cache.lend_place(next.all())->address_of(next.all().data()).key));
  EXPECT_EQ(cache.counts().misses, 2U);
}

TEST(RegionCache, WhatATransferHasStaysUntilItIsOver) {
  RegionFabric fabric(false);
  RegionCache cache(fabric, {.regions = 1, .bytes = 1 << 20});
  HeapBlock block(5000);
  const HeapBlock other(5000);
  auto lent = cache.lend_place(block.all());
  const auto another = cache.lend_place(other.all());
  EXPECT_EQ(fabric.open_places(), 2U) << "beyond the limit, since both are used";
  block.free();
  EXPECT_EQ(fabric.open_places(), 2U);
  lent.reset();
  EXPECT_EQ(fabric.open_places(), 1U);
}

TEST(RegionCache, WhatWasUsedLongestAgoGoesFirst) {
  RegionFabric fabric(false);
  RegionCache cache(fabric, {.regions = 2, .bytes = 1 << 20});
  const HeapBlock a(5000), b(5000), c(5000);
  cache.lend_place(a.all());
  cache.lend_place(b.all());
  cache.lend_place(a.all());
  cache.lend_place(c.all());
  EXPECT_EQ(cache.counts().evicted, 1U);
  cache.lend_place(a.all());
  EXPECT_EQ(cache.counts().misses, 3U) << "it was b that went";
  cache.lend_place(b.all());
  EXPECT_EQ(cache.counts().misses, 4U);
}

TEST(RegionCache, BytesAreLimitedToo) {
  RegionFabric fabric(false);
  RegionCache cache(fabric, {.regions = 100, .bytes = 40'000});
  const HeapBlock a(10'000), b(10'000), c(10'000), d(10'000), e(10'000);
  for (const HeapBlock* block : {&a, &b, &c, &d, &e}) cache.lend_place(block->all());
  EXPECT_EQ(cache.kept_bytes(), 40'000U);
  // A large one is registered in part, so that others have room.
  const HeapBlock large(1 << 20);
  EXPECT_EQ(cache.lend_place(large.all().subspan(5000, 1000))->memory().size(), 1000U);
}

TEST(RegionCache, MemoryOfUnknownLifeIsRegisteredForOneTransfer) {
  RegionFabric fabric(true);
  RegionCache cache(fabric);
  std::vector<std::byte> own(10'000);
  EXPECT_NE(cache.lend_place(own), nullptr);
  EXPECT_NE(cache.lend_source(own), nullptr);
  EXPECT_EQ(cache.kept(), 0U);
  EXPECT_EQ(fabric.open_places() + fabric.sources(), 0U);
  EXPECT_EQ(cache.counts().passing, 2U);
}

TEST(RegionCache, ADeclaredRangeIsKnownUntilItIsUndeclared) {
  RegionFabric fabric(true);
  RegionCache cache(fabric);
  std::vector<std::byte> own(10'000);
  cache.declare(own);
  cache.lend_place(std::span(own).first(100));
  cache.lend_source(std::span(own).last(100));
  EXPECT_EQ(cache.kept(), 2U) << "places and sources apart";
  cache.undeclare(own);
  EXPECT_EQ(cache.kept(), 0U);
  cache.lend_place(own);
  EXPECT_EQ(cache.kept(), 0U);
}

TEST(RegionCache, ARangeIsKnownAsLongAsSomebodyDeclaresIt) {
  RegionFabric fabric(true);
  RegionCache cache(fabric);
  std::vector<std::byte> own(10'000);
  cache.declare(own);
  cache.declare(own);
  cache.undeclare(own);
  cache.lend_place(own);
  EXPECT_EQ(cache.kept(), 1U);
  cache.undeclare(own);
  EXPECT_EQ(cache.kept(), 0U);
}

TEST(RegionCache, AClosedPlaceIsClosedForAllWhoHaveIt) {
  RegionFabric fabric(false);
  RegionCache cache(fabric);
  const HeapBlock block(5000);
  const auto one = cache.lend_place(block.all().first(100));
  const auto another = cache.lend_place(block.all().last(100));
  cache.close(one);
  EXPECT_EQ(fabric.open_places(), 0U);
  cache.close(another);
  const auto anew = cache.lend_place(block.all());
  EXPECT_NE(anew, one);
  EXPECT_EQ(fabric.open_places(), 1U);
}

TEST(RegionCache, WhatIsNotThereIsNotLent) {
  RegionFabric fabric(true);
  RegionCache cache(fabric);
  constexpr std::size_t kPage = 4096;
  void* const pages =
      ::mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  const std::span<std::byte> all(static_cast<std::byte*>(pages), 3 * kPage);
  ASSERT_EQ(::mprotect(pages, kPage, PROT_READ), 0);
  ASSERT_EQ(::munmap(all.data() + 2 * kPage, kPage), 0);
  EXPECT_EQ(cache.lend_place(all), nullptr);
  EXPECT_EQ(cache.lend_source(all), nullptr);
  EXPECT_EQ(cache.lend_place(all.first(2 * kPage)), nullptr) << "it is not to be written";
  EXPECT_NE(cache.lend_source(all.first(2 * kPage)), nullptr);
  EXPECT_NE(cache.lend_place(all.subspan(kPage, kPage)), nullptr);
  ::munmap(pages, 2 * kPage);
}

TEST(RegionCache, WhereTheNetworkTakesNoMoreWhatIsIdleGoes) {
  RegionFabric fabric(false);
  RegionCache cache(fabric);
  fabric.most_places = 1;
  const HeapBlock a(5000), b(5000);
  auto lent = cache.lend_place(a.all());
  EXPECT_EQ(cache.lend_place(b.all()), nullptr) << "the only one is in use";
  lent.reset();
  EXPECT_NE(cache.lend_place(b.all()), nullptr);
  EXPECT_EQ(cache.counts().evicted, 1U);
}

// A source that the network does not want registered takes no registration.
TEST(RegionCache, ASourceMayNeedNone) {
  RegionFabric fabric(false);
  RegionCache cache(fabric);
  const HeapBlock block(5000);
  const auto source = cache.lend_source(block.all());
  ASSERT_NE(source, nullptr);
  EXPECT_EQ(source->region(), nullptr);
  EXPECT_EQ(cache.kept(), 0U);
}

}  // namespace
}  // namespace tutti::packets
