// One transfer under way, and where its bytes come from and go to.
#pragma once

#include <cstdint>
#include <memory>
#include <tutti/transport.hpp>
#include <vector>

#include "transports/ub/engine/fibre.hpp"

namespace tutti::ub {

struct Flow;
struct Parcel;

// What a fibre reads in one call: parcels that are under way together. It lies on the stack of the
// fibre that waits.
struct Reading {
  FibreId fibre;
  Parcel* first = nullptr;  // of its parcels, in the order in which they were asked for
  std::uint32_t under_way = 0;
  Picoseconds latest{};          // of those that have come
  const Parcel* lost = nullptr;  // the one whose loss was noticed first
};

struct CopyPiece {
  const std::byte* source = nullptr;  // nullptr: in Parcel::taken
  std::byte* destination = nullptr;   // nullptr: the bytes are there already
  std::size_t bytes = 0;
};

// What all parcels have is in the first cache line, what a post has beside it in the second, what
// others have in the third: hundreds of thousands are under way at once.
struct alignas(64) Parcel {
  enum class Kind : std::uint8_t { kPut, kPost, kRead, kFarewell };
  enum class State : std::uint8_t { kUnderWay, kArrives, kLost };

  Kind kind = Kind::kPut;
  State state = State::kUnderWay;
  bool left = false;     // when it leaves its source is known
  bool dropped = false;  // what it carries is gone: nothing happens at its arrival
  std::uint32_t number = 0;
  std::int32_t from = 0;  // ranks of the simulation; of a read, who has the bytes
  std::int32_t to = 0;
  std::uint64_t bytes = 0;
  Picoseconds when{};  // it arrives or is noticed to be lost, unless kUnderWay

  // What the pair has under way, in the order in which it was sent. Reads are of no flow; `next` is
  // that of the same call.
  Flow* flow = nullptr;
  Parcel* previous = nullptr;
  Parcel* next = nullptr;

  // Of a post.
  Line* line = nullptr;
  struct Content {
    std::byte payload[LineContent::kPayloadBytes];
    std::uint64_t stamp;
    std::uint64_t value;
  };
  Content content;

  // Of a put. The bytes are read at their sources when they arrive, or were taken before that, one
  // piece after the other.
  std::byte* taken = nullptr;
  std::vector<CopyPiece> pieces;  // keeps its capacity from one use to the next

  // Of a read; nullptr: who waited has gone.
  Reading* reading = nullptr;
};
static_assert(sizeof(Parcel) == 3 * 64);

// Parcels by number; they do not move, and are used again.
class Parcels {
 public:
  Parcel& take() {
    if (free_.empty()) grow();
    Parcel& parcel = *free_.back();
    free_.pop_back();
    return parcel;
  }
  void give_back(Parcel& parcel) noexcept { free_.push_back(&parcel); }  // has room: see grow()
  Parcel& operator[](std::uint64_t number) noexcept {
    return chunks_[number / kChunk][number % kChunk];
  }

 private:
  static constexpr std::uint32_t kChunk = 1024;

  void grow() {
    const auto first = static_cast<std::uint32_t>(chunks_.size()) * kChunk;
    free_.reserve(first + kChunk);
    chunks_.push_back(std::make_unique<Parcel[]>(kChunk));
    for (std::uint32_t i = kChunk; i > 0; --i) {
      Parcel& parcel = chunks_.back()[i - 1];
      parcel.number = first + i - 1;
      free_.push_back(&parcel);
    }
  }

  std::vector<std::unique_ptr<Parcel[]>> chunks_;
  std::vector<Parcel*> free_;  // last given back, first used
};

}  // namespace tutti::ub
