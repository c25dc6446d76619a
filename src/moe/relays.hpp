// Which rank relays a token. Where ranks lie together, far from the others - on a host, behind its
// network - a token that several of them want goes to one of these, the relay, and its mates read
// it there. Who sends decides, token by token, and says so in the entries (Entry::via()); who
// receives does as they say (relay_block.hpp, relay_reader.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <tutti/transport.hpp>
#include <vector>

#include "moe/routing.hpp"

namespace tutti::moe {

class Relays {
 public:
  // What TUTTI_MOE_RELAY says; kAuto goes by what the transport's costs say the detour saves.
  enum class Use : std::uint8_t { kAuto, kNever, kAlways };
  static Use use_of_environment();

  struct Setting {
    Rank self = 0;
    int ranks = 1;
    std::size_t row_bytes = 0;  // of a token, at most
    Use use = Use::kAuto;
  };
  // `costs`: of the transport, nullptr where nobody knows; not kept.
  Relays(const Costs* costs, const Setting& setting);

  // Nobody relays anything on any rank of the group.
  bool none() const noexcept { return mates_.empty(); }
  // The ranks that lie together with this one, itself among them, ascending: Entry::mate() counts
  // them. Empty where none().
  std::span<const Rank> mates() const noexcept { return mates_; }

  // Says in the entries of a routing of `tokens` tokens how they travel; `offsets` as in
  // RoutingTable.
  void assign(std::span<Entry> entries, std::span<const std::uint32_t> offsets, int tokens);

 private:
  // Ranks that lie together, far from this one.
  struct Place {
    std::vector<Rank> ranks;  // ascending
    double saved_ns = 0;      // by a token that does not come once more
    double detour_ns = 0;
  };

  void assign(const Place& place, std::span<Entry> entries, std::span<const std::uint32_t> offsets);

  std::vector<Rank> mates_;
  std::vector<Place> places_;
  std::vector<std::uint8_t> visits_;  // [tokens], of one place
  std::vector<std::uint8_t> seen_;    // [tokens]
  std::vector<std::uint8_t> relay_;   // [tokens]: who of the place
};

}  // namespace tutti::moe
