// One transfer under way, and where its bytes come from and go to.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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
  const std::byte* source = nullptr;  // nullptr: in PutContent::taken
  std::byte* destination = nullptr;   // nullptr: the bytes are there already
  std::size_t bytes = 0;
};

// What a put moves. The bytes are read at their sources when they arrive, or were taken before
// that, one piece after the other.
struct PutContent {
  std::byte* taken = nullptr;
  std::vector<CopyPiece> pieces;  // keeps its capacity from one use to the next

  // Will bytes be read at its sources? Not where they were taken, or are there already.
  bool needs_sources() const noexcept {
    return taken == nullptr &&
           std::any_of(pieces.begin(), pieces.end(),
                       [](const CopyPiece& piece) { return piece.destination != nullptr; });
  }
};

// What all parcels have is in the first cache line, what a post has beside it in the second:
// hundreds of thousands are under way at once.
struct alignas(128) Parcel {
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
    PutContent* put;       // nullptr: its bytes are in place, or dropped
    Reading* reading;      // nullptr: who waited has gone
  };
  // Of a post.
  struct PostContent {
    std::byte payload[LineContent::kPayloadBytes];
    std::uint64_t stamp;
    std::uint64_t value;
  };
  PostContent content;

  bool needs_sources() const noexcept {
    return kind == Kind::kPut && put != nullptr && put->needs_sources();
  }

  // Before it is looked at when it arrives.
  void prefetch() const noexcept {
    __builtin_prefetch(this, 1);
    __builtin_prefetch(reinterpret_cast<const std::byte*>(this) + 64);
  }
};
static_assert(sizeof(Parcel) == 128);
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

}  // namespace tutti::ub
