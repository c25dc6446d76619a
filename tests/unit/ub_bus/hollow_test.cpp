// Payload of a run for timing only: it takes its time on the bus, and no byte of it moves.
#include "bus_rank.hpp"
#include "memory/heap.hpp"

namespace tutti::ub::test {
namespace {

constexpr std::size_t kBytes = 1 << 20;

SimulationOptions timing_only() {
  return {.profile = load_profile("cloudmatrix384-wire"), .timing_only = true};
}

// An offset of the heap window.
std::size_t offset_of(const void* place) {
  return reinterpret_cast<std::uintptr_t>(place) -
         reinterpret_cast<std::uintptr_t>(Heap::of_this_process().base());
}

TEST(HollowMemory, TakesTheTimeOfItsBytes) {
  const auto end_of = [](bool hollow) {
    SimulationOptions options = timing_only();
    options.timing_only = hollow;
    const SimulationReport report = simulate(options, 2, [&](BusRank& rank) {
      Heap& heap = Heap::for_payload();
      EXPECT_EQ(&heap == &Heap::of_this_process(), !hollow);
      auto* const memory = static_cast<std::byte*>(heap.allocate(kBytes));
      if (rank.rank() == 0) {
        const Piece piece{.source = {memory, kBytes}, .offset = offset_of(memory)};
        EXPECT_TRUE(rank.heap->put(1, {&piece, 1}));
        rank.post(1, 10, 1);
        rank.heap->view(1, offset_of(memory), kBytes);
        const Fetch fetch{.peer = 1, .destination = {memory, kBytes}, .offset = offset_of(memory)};
        rank.heap->get({&fetch, 1});
        const auto place = rank.heap->reach(1, offset_of(memory), kBytes);
        EXPECT_EQ(place.size(), kBytes);
        rank.heap->commit(1, offset_of(memory), kBytes);
        rank.heap->flush(1, std::chrono::seconds(1));
      } else {
        EXPECT_TRUE(rank.await_line(10, 1));
      }
      rank.bootstrap->all_gather({}, {});
      heap.free(memory);
    });
    expect_finished(report);
    return std::pair(report.end, report.arrivals);
  };
  EXPECT_EQ(end_of(true), end_of(false));
}

TEST(HollowMemory, APutDoesNotMixItWithOtherMemory) {
  const std::vector<std::byte> real = bytes_of(64, 1);
  expect_finished(simulate(timing_only(), 2, [&](BusRank& rank) {
    if (rank.rank() == 0) {
      auto* const hollow = static_cast<std::byte*>(Heap::for_payload().allocate(64));
      const Piece pieces[] = {{.source = real, .offset = BusRank::kData},
                              {.source = {hollow, 64}, .offset = BusRank::kData + 64}};
      try {
        rank.control->put(1, pieces);
        ADD_FAILURE() << "taken";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), tuttiInvalidUsage);
        EXPECT_STREQ(error.what(),
                     "a put to rank 1 of 2 pieces, of which 1 are payload that a run for timing "
                     "only does not move: put them apart");
      }
      rank.control->put(1, std::span(pieces).first(1));
      rank.control->put(1, std::span(pieces).last(1));
      rank.post(1, 10, 1);
    } else {
      EXPECT_TRUE(rank.await_line(10, 1));
      EXPECT_EQ(std::memcmp(rank.data(), real.data(), 64), 0);
    }
    rank.bootstrap->all_gather({}, {});
  }));
}

TEST(HollowMemory, BeyondItThereIsNothing) {
  expect_finished(simulate(timing_only(), 2, [&](BusRank& rank) {
    Heap& heap = Heap::for_payload();
    const std::size_t end = offset_of(heap.base() + heap.reserve_bytes());
    EXPECT_TRUE(rank.heap->view(1 - rank.rank(), end - 8, 16).empty());
    EXPECT_TRUE(rank.heap->reach(1 - rank.rank(), end + 4096, 16).empty());
    rank.bootstrap->all_gather({}, {});
  }));
}

}  // namespace
}  // namespace tutti::ub::test
