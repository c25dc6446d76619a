// One transfer under way, and where its bytes come from and go to.
#pragma once

#include <algorithm>
#include <cstddef>
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
  bool left : 1 = false;       // when it leaves its source is known
  bool dropped : 1 = false;    // what it carries is gone: nothing happens at its arrival
  bool settled : 1 = false;    // a put: nothing that was sent before it is missing
  bool delivered : 1 = false;  // a put: its bytes are in place
  std::uint32_t number = 0;
  std::int32_t from = 0;  // ranks of the simulation; of a read, who has the bytes
  std::int32_t to = 0;
  std::uint64_t bytes = 0;
  Picoseconds when{};  // it arrives or is noticed to be lost, unless kUnderWay

  // What the pair has under way, in the order in which it was sent. Reads are of no flow; `next` is
  // that of the same call, and `previous` one further on, to be fetched while those before it are
  // looked at.
  Flow* flow = nullptr;
  Parcel* previous = nullptr;
  Parcel* next = nullptr;

  union {
    Line* line = nullptr;  // of a post
    Reading* reading;      // of a read; nullptr: who waited has gone
  };
  // Of a post.
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

  // Will bytes be read at its sources? Not where they were taken, or are there already.
  bool needs_sources() const noexcept {
    return kind == Kind::kPut && taken == nullptr &&
           std::any_of(pieces.begin(), pieces.end(),
                       [](const CopyPiece& piece) { return piece.destination != nullptr; });
  }

  // Before it is looked at when it arrives.
  void prefetch() const noexcept {
    __builtin_prefetch(this, 1);
    __builtin_prefetch(reinterpret_cast<const std::byte*>(this) + 64);
  }
};
static_assert(sizeof(Parcel) == std::size_t{3} * 64);
static_assert(offsetof(Parcel, content) == 64);

// What the fabric calls a parcel. It says what is needed most without a look at the parcel, which
// is not in the caches.
class ParcelTag {
 public:
  explicit ParcelTag(const Parcel& parcel) noexcept
      : bits_(static_cast<std::uint64_t>(parcel.to) << 40 |
              static_cast<std::uint64_t>(parcel.kind) << 32 | parcel.number) {}
  explicit ParcelTag(std::uint64_t bits) noexcept : bits_(bits) {}

  std::uint64_t bits() const noexcept { return bits_; }
  std::uint32_t number() const noexcept { return static_cast<std::uint32_t>(bits_); }
  Parcel::Kind kind() const noexcept { return static_cast<Parcel::Kind>(bits_ >> 32 & 0xff); }
  int to() const noexcept { return static_cast<int>(bits_ >> 40); }

 private:
  std::uint64_t bits_;
};

// Parcels by number; they do not move, and are used again. Once none is in use, numbers start again
// in order, so that what is sent in a row lies in a row.
class Parcels {
 public:
  Parcel& take() {
    ++used_;
    if (!free_.empty()) {
      Parcel& parcel = *free_.back();
      free_.pop_back();
      if (free_.size() >= kAhead) free_[free_.size() - kAhead]->prefetch();
      return parcel;
    }
    if (fresh_ == chunks_.size() * kChunk) grow();
    Parcel& parcel = (*this)[fresh_++];
    (&parcel + kAhead)->prefetch();  // maybe of no chunk: nothing happens then
    return parcel;
  }
  void give_back(Parcel& parcel) noexcept {
    if (--used_ > 0) return free_.push_back(&parcel);  // has room: see grow()
    free_.clear();
    fresh_ = 0;
  }
  Parcel& operator[](std::uint64_t number) noexcept {
    return chunks_[number / kChunk][number % kChunk];
  }

 private:
  static constexpr std::uint32_t kChunk = 1024;
  static constexpr std::uint32_t kAhead = 4;

  void grow() {
    const auto first = static_cast<std::uint32_t>(chunks_.size()) * kChunk;
    free_.reserve(first + kChunk);
    chunks_.push_back(std::make_unique<Parcel[]>(kChunk));
    for (std::uint32_t i = 0; i < kChunk; ++i) chunks_.back()[i].number = first + i;
  }

  std::vector<std::unique_ptr<Parcel[]>> chunks_;
  std::uint64_t fresh_ = 0;    // all from here on are free
  std::vector<Parcel*> free_;  // before that; last given back, first used
  std::size_t used_ = 0;
};

}  // namespace tutti::ub
