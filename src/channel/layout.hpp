// Where things lie in a control segment. Every rank has the same layout, so that an offset computed
// here is good on every peer.
//
//   0      Doorbell, this rank's own
//   64     Doorbell, shared: rank 0's is the one on which all ranks sleep in an assembly
//   128    setup [source], a line each
//   then   the set-up boards
//   then   from a page boundary, the end of the front: lines of each source: credit, point to point
//          [kPairDepth][kPairLines], operations [depth][kPhases]
//   then   arrivals [depth][kRounds][source], results and counters [depth][kRounds] of assemblies,
//          a line each; in use on rank 0 only
//   then   staging, from a page boundary: operations [depth], point to point
//
// Whatever hundreds of ranks do, each touches the front of every other: it is short, so that a
// transport can bring all fronts close together (ControlSegment::front_bytes).
//
// All lines of a source, which only the segment's rank reads, lie in a block, a page or two:
// ordered by slot and phase, every operation of hundreds of ranks would touch a page new to its
// process in each peer's segment. Where one process writes all of them
// (Transport::sparse_segments), the lines of one mark lie side by side, as they are read: an
// operation touches a few pages of a segment, not hundreds. What one rank reads of all others at
// once, the arrivals of an assembly, always lies side by side.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tutti/transport.hpp>

namespace tutti {

// The marks of one operation between a pair of ranks; each is a line of its own.
enum class Phase : std::uint8_t {
  kEntry,  // "I am here": what I bring, or where it lies
  kReady,  // staged transfers: steps filled
  kTaken,  // staged transfers: steps read
  kDone,   // "I have finished reading your memory and writing to it"
};
inline constexpr unsigned kPhases = 4;

// An operation may assemble twice: to begin, and to learn that everybody is done.
enum class Round : std::uint8_t { kFirst, kLast };
inline constexpr unsigned kRounds = 2;

// The marks of one message from a sender to a receiver; entry and ready lie at the receiver, wanted
// and taken at the sender.
enum class PairLine : std::uint8_t { kEntry, kReady, kWanted, kTaken };
inline constexpr unsigned kPairLines = 4;
inline constexpr unsigned kPairDepth = 2;

struct ControlLayout {
  static constexpr std::size_t kLine = sizeof(Line);
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kOwnBell = 0;
  static constexpr std::size_t kSharedBell = 64;
  static constexpr std::size_t kBoardBytes = 1024;

  unsigned ranks = 1;
  unsigned depth = 16;               // operations in flight; a power of two
  bool by_mark = false;              // how lines are ordered, see above
  std::size_t slot_bytes = 0;        // staging of one operation
  std::size_t pair_stage_bytes = 0;  // staging of point-to-point transfers, all peers together

  constexpr LineId setup_line(Rank source) const { return 2 + static_cast<LineId>(source); }
  constexpr std::size_t board_offset() const {
    return kLine * setup_line(static_cast<Rank>(ranks));
  }
  constexpr std::size_t reasons_offset() const { return board_offset() + kBoardBytes; }
  constexpr std::size_t front_bytes() const { return align(reasons_offset() + kBoardBytes); }

  constexpr LineId credit_line(Rank source) const { return line_of(0, source); }
  constexpr LineId pair_line(unsigned slot, PairLine mark, Rank source) const {
    return line_of(1 + slot * kPairLines + static_cast<unsigned>(mark), source);
  }
  constexpr LineId operation_line(unsigned slot, Phase phase, Rank source) const {
    return line_of(1 + kPairDepth * kPairLines + slot * kPhases + static_cast<unsigned>(phase),
                   source);
  }
  constexpr LineId arrival_line(unsigned slot, Round round, Rank source) const {
    return first_line() + marks() * ranks + assembly(slot, round) * ranks +
           static_cast<LineId>(source);
  }
  constexpr LineId result_line(unsigned slot, Round round) const {
    return arrival_line(depth, Round::kFirst, 0) + assembly(slot, round);
  }
  constexpr std::size_t counter_offset(unsigned slot, Round round) const {
    return kLine * (result_line(depth, Round::kFirst) + assembly(slot, round));
  }
  constexpr std::size_t line_bytes() const { return align(counter_offset(depth, Round::kFirst)); }

  // Of all assemblies that may be under way.
  static constexpr unsigned assembly(unsigned slot, Round round) {
    return slot * kRounds + static_cast<unsigned>(round);
  }

  constexpr std::size_t slot_offset(unsigned slot) const {
    return line_bytes() + slot * slot_bytes;
  }
  constexpr std::size_t pair_stage_offset() const { return slot_offset(depth); }
  constexpr std::size_t bytes() const { return align(pair_stage_offset() + pair_stage_bytes); }

  // To whole pages.
  static constexpr std::size_t align(std::size_t bytes) {
    return (bytes + kPage - 1) & ~(kPage - 1);
  }

 private:
  constexpr LineId first_line() const { return static_cast<LineId>(front_bytes() / kLine); }
  // Lines that a source has in a segment.
  constexpr LineId marks() const { return 1 + kPairDepth * kPairLines + depth * kPhases; }
  constexpr LineId line_of(LineId mark, Rank source) const {
    const auto of = static_cast<LineId>(source);
    return first_line() + (by_mark ? mark * ranks + of : of * marks() + mark);
  }
};

// What a layout depends on.
struct ControlNeeds {
  unsigned ranks = 1;
  bool sparse = false;      // Transport::sparse_segments
  bool concurrent = false;  // the channel is, from its beginning (channel.hpp)
};

// Generous for few ranks, bounded for many (at 384 ranks about 1.9 MiB a rank, of which only what
// is used is touched), less so where segments are sparse: what all ranks bring may meet in one slot
// there, and a concurrent channel, which tells credits twice as often, has twice the slots instead.
// A slot holds three elements of any type for each rank and one more, with what rounding takes
// (two_shot_staged.cpp).
constexpr ControlLayout control_layout(const ControlNeeds& needs) {
  const auto& [ranks, sparse, concurrent] = needs;
  const bool many = ranks > 64;
  constexpr std::size_t kWidestElement = 8;
  const std::size_t least =
      ControlLayout::align(3 * ((std::size_t{ranks} + 1) * kWidestElement + sizeof(Line)));
  return ControlLayout{
      .ranks = ranks,
      .depth = many && !(sparse && concurrent) ? 8u : 16u,
      .by_mark = sparse,
      .slot_bytes = many ? std::max(std::size_t{sparse ? 256u : 64u} << 10, least)
                         : (ranks > 8 ? std::size_t{256} << 10 : std::size_t{512} << 10),
      .pair_stage_bytes = many ? std::size_t{128} << 10 : std::size_t{1} << 20};
}

}  // namespace tutti
