// Brings what a source sends - rows, or their side payloads - to its places in this rank's output.
// Every part is read once from the source and stored to all its places, or read once a lane where
// the group says so.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/ticks.hpp"
#include "channel/channel.hpp"
#include "channel/fetch_list.hpp"
#include "moe/arrivals.hpp"
#include "moe/plan.hpp"
#include "moe/relay_reader.hpp"

namespace tutti::moe {

// Equally large parts, `stride` apart, of this rank or of another.
struct Parts {
  MemoryRef first{};
  std::size_t stride = 0;
  std::size_t bytes = 0;
};

class Delivery {
 public:
  // From private memory of other processes parts come by gets, from this size on: one costs 0.2 us
  // and what the bytes cost; copying to library memory first costs the bytes once more.
  static constexpr std::size_t kLeastGetBytes = 2048;

  Delivery(Channel& channel, const Plan& plan, const Arrivals& arrivals, tuttiMoeRowsPer_t rows_per)
      : channel_(channel), plan_(plan), arrivals_(arrivals), rows_per_(rows_per) {}

  // Where the parts of a source go.
  struct Places {
    std::byte* out = nullptr;      // where output row 0 lies; nullptr: there is no output
    std::byte* relayed = nullptr;  // where the first one lies that this rank relays
  };

  // Ticks spent on storing, where the plan's way is timed; without waiting for peers.
  std::uint64_t ticks_spent() const noexcept { return spent_; }

  // All but what mates relay. A source whose routing names a token that it does not have:
  // tuttiRemoteError.
  void take(Rank source, const Parts& parts, const Places& places);
  // Returns when all that was taken is there: where reads wait, it is asked for together.
  void finish();
  // What mates relay, of all sources: parts of `bytes`; `out` as in Places.
  void take_relayed(const RelayReader& reader, RelayReader::Of of, std::size_t bytes,
                    std::byte* out);

 private:
  // One part and where it goes: first to where mates read it, if they do.
  struct Step {
    std::uint32_t token = 0;
    std::uint32_t via = 0;
    std::size_t count = 0;
    std::array<std::byte*, kMaxLanes + 1> places;
    std::span<std::byte* const> all() const { return {places.data(), count}; }
  };
  enum class From : std::uint8_t { kSource, kMates };
  // Walks the entries of a source whose parts this rank reads there, or at its mates; those of one
  // token are adjacent.
  class Walk {
   public:
    Walk(const Delivery& delivery, From from, Rank source, const Places& places, std::size_t bytes);
    bool next(Step& step);

   private:
    void step_over(Step& step);

    const Delivery& delivery_;
    From from_;
    Rank source_;
    Places places_;
    std::size_t bytes_;
    std::span<const Entry> entries_;
    std::span<const std::uint32_t> rows_;
    std::size_t at_ = 0;
  };

  // Parts that finish() brings.
  struct Wanted {
    Rank source;
    Parts parts;
    Places places;
  };

  void copy(Rank source, const std::byte* first, const Parts& parts, const Places& places);
  // To its other places.
  void copy_on(const Step& step, std::size_t bytes) const;
  // Peers read outputs in combine: as the plan's StoreTrials say.
  void store(std::span<std::byte* const> places, const std::byte* from, std::size_t bytes) const;
  void copy_all_on(Walk walk, std::size_t bytes);
  void fetch(Rank source, const Parts& parts, const Places& places);
  void want(const Wanted& wanted);
  static Fetch fetch_of(Rank source, const Parts& parts, const Step& step) {
    return {source, {step.places[0], parts.bytes}, parts.first.offset + step.token * parts.stride};
  }
  std::uint64_t start() const noexcept { return plan_.stored.timed ? ticks() : 0; }
  void stop(std::uint64_t start) noexcept { spent_ += plan_.stored.timed ? ticks() - start : 0; }

  Channel& channel_;
  const Plan& plan_;
  const Arrivals& arrivals_;
  tuttiMoeRowsPer_t rows_per_;
  std::uint64_t spent_ = 0;
  std::vector<Wanted> wanted_;
  FetchList fetches_;  // of what is wanted
};

}  // namespace tutti::moe
