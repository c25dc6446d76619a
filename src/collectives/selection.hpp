// Which algorithm runs: the only place with sizes and thresholds.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "collectives/request.hpp"

namespace tutti {

enum class Algorithm : std::uint8_t {
  kLocal,     // one rank: a copy
  kLine,      // the data travels in the 64-byte lines themselves
  kAssembly,  // a counter at which all meet, and one broadcast: for more ranks than cores. Who
              // comes last reduces; or each copies the others' rows
  kOneShot,   // everybody reads everybody's staging
  kTwoShot,   // each rank reduces a share of all ranks' buffers, and stores it into all
  kExchange,  // rows from whoever has them to whoever needs them
};

std::string_view name_of(Algorithm algorithm);

// What the choice depends on; the same on every rank.
struct Situation {
  int ranks = 1;
  bool crowded = false;
  bool shared_words = true;  // Access::shared_words, of all ranks
  std::size_t slot_bytes = 0;
};

class Selection {
 public:
  // `forced`: TUTTI_ALGO, an algorithm's name, for the operations that it serves; others choose
  // freely. tuttiInvalidArgument if there is none of that name.
  Selection(const Situation& situation, const std::optional<std::string>& forced);

  // Throws tuttiInvalidUsage when the forced algorithm cannot run this call.
  Algorithm choose(const Request& request) const;

  // Exchange. Up to this many bytes a row is copied to staging though it could be read in place:
  // that saves the phase at the end that keeps the buffer readable.
  std::size_t eager_bytes() const noexcept;
  // The same for rows that cannot be read in place; larger ones are cut into chunks.
  std::size_t eager_plain_bytes() const noexcept;
  // From here on one copy by the kernel (Window::get) beats two of ours.
  static std::size_t least_get_bytes() noexcept;
  std::size_t chunk_bytes() const noexcept;
  // Staged rows to different peers under way at a time.
  std::size_t pipes() const noexcept;
  // Assembly: an all-to-all in place of up to this many bytes a rank is copied first.
  std::size_t copied_in_place_bytes() const noexcept;

 private:
  static bool serves(Algorithm algorithm, OperationKind kind);
  bool can(Algorithm algorithm, const Request& request) const;

  Situation situation_;
  std::optional<Algorithm> forced_;
};

}  // namespace tutti
