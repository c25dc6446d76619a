// Parcels, and what puts move, to be used again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "transports/ub/bus/parcel.hpp"
#include "transports/ub/model/large_memory.hpp"
#include "transports/ub/model/row_numbers.hpp"

namespace tutti::ub {

// Parcels by number; they do not move, and are used again. What one rank sends in a row lies in a
// row.
class Parcels {
 public:
  explicit Parcels(int ranks) : numbers_(static_cast<std::size_t>(ranks)) {}

  Parcel& take(int rank) {
    const std::uint32_t number = numbers_.take(static_cast<std::size_t>(rank));
    if (number >= chunks_.size() * kChunk) grow();
    Parcel& parcel = (*this)[number];
    (&parcel + kAhead)->prefetch();  // maybe of no chunk: nothing happens then
    return parcel;
  }
  void give_back(const Parcel& parcel) noexcept { numbers_.give_back(parcel.number); }
  Parcel& operator[](std::uint32_t number) noexcept {
    return chunks_[number / kChunk][number % kChunk];
  }

 private:
  static constexpr std::uint32_t kChunk = 256 * RowNumbers::kRow;  // a huge page
  static constexpr std::uint32_t kAhead = 4;

  void grow() {
    auto number = static_cast<std::uint32_t>(chunks_.size()) * kChunk;
    for (Parcel& parcel : chunks_.emplace_back(kChunk)) parcel.number = number++;
  }

  RowNumbers numbers_;
  std::vector<LargeVector<Parcel>> chunks_;
};

// Contents of puts under way, used again.
class PutContents {
 public:
  PutContent& take() {
    if (free_.empty()) free_.push_back(made_.emplace_back(std::make_unique<PutContent>()).get());
    PutContent& content = *free_.back();
    free_.pop_back();
    return content;
  }
  void give_back(PutContent& content) {
    content.taken = nullptr;
    content.pieces.clear();
    free_.push_back(&content);
  }

 private:
  std::vector<std::unique_ptr<PutContent>> made_;
  std::vector<PutContent*> free_;  // last given back, first used
};

}  // namespace tutti::ub
