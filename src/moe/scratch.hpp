// Working memory of dispatch and combine, kept with the plan so that a step asks for none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "channel/channel.hpp"

namespace tutti::moe {

// Where a rank's rows lie for combine.
struct CombineEntry {
  MemoryRef rows;
  std::size_t row_stride;
  std::size_t num_rows;
};

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
