// Working memory of dispatch and combine, kept with the plan so that a step asks for none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "channel/channel.hpp"

namespace tutti::moe {

// Where a rank's rows lie for combine, and the numbers of the reader's rows among them. Travels in
// a line.
struct CombineEntry {
  MemoryRef rows;
  std::uint64_t row_stride;
  std::uint64_t num_rows;
  std::uint64_t return_rows_offset;  // in its heap
};
static_assert(sizeof(CombineEntry) <= LineContent::kPayloadBytes);

// Each vector has one element a rank, but for the last four.
struct Scratch {
  std::vector<std::span<const float>> weights;
  std::vector<CombineEntry> entries;
  std::vector<const std::byte*> bases;  // null: not in view
  std::vector<std::vector<Fetch>> fetches;
  std::vector<std::size_t> row_counts;  // of rows of this rank's tokens; then the next one's place
  std::vector<std::span<const std::uint32_t>> return_rows;
  std::vector<const std::byte*> biases;
  std::vector<std::byte> fetched_rows;
  std::vector<View> views;  // what is asked for together
  std::vector<Fetch> together;
};

}  // namespace tutti::moe
