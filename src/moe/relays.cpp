#include "moe/relays.hpp"

#include <algorithm>

#include "base/environment.hpp"

namespace tutti::moe {

namespace {

constexpr int kFarthestNear = 3;  // Path::hop_class of the same host
// Where neighbours are not that much faster than the others, the second hop takes what it saves.
constexpr double kLeastGain = 2;

std::vector<Rank> together_with(const Costs& costs, Rank rank, int ranks) {
  std::vector<Rank> all;
  for (Rank peer = 0; peer < ranks; ++peer) {
    if (peer == rank || costs.path(rank, peer).hop_class <= kFarthestNear) all.push_back(peer);
  }
  return all;
}

// Calls body(mate, entries) for the entries of every token that visits the place's ranks.
template <typename Body>
void for_each_visit(std::span<const Rank> ranks, std::span<Entry> entries,
                    std::span<const std::uint32_t> offsets, const Body& body) {
  for (std::size_t mate = 0; mate < ranks.size(); ++mate) {
    const auto rank = static_cast<std::size_t>(ranks[mate]);
    std::uint32_t at = offsets[rank];
    while (at < offsets[rank + 1]) {
      const std::uint32_t first = at;
      while (at < offsets[rank + 1] && entries[at].token == entries[first].token) ++at;
      body(mate, entries.subspan(first, at - first));
    }
  }
}

}  // namespace

Relays::Use Relays::use_of_environment() {
  return env_choice("TUTTI_MOE_RELAY", Use::kAuto,
                    {{"auto", Use::kAuto}, {"never", Use::kNever}, {"always", Use::kAlways}});
}

Relays::Relays(const Costs* costs, const Setting& setting) {
  const auto [self, ranks, row_bytes, use] = setting;
  if (costs == nullptr || use == Use::kNever) return;
  std::vector<Rank> mates = together_with(*costs, self, ranks);
  if (mates.size() == static_cast<std::size_t>(ranks)) return;
  // Whoever it is with, the others have to be far, whatever they are with.
  std::vector<bool> placed(static_cast<std::size_t>(ranks));
  const auto place = [&placed](std::span<const Rank> all) {
    for (const Rank rank : all) placed[static_cast<std::size_t>(rank)] = true;
  };
  place(mates);
  bool any = mates.size() > 1;
  for (Rank rank = 0; rank < ranks; ++rank) {
    if (placed[static_cast<std::size_t>(rank)]) continue;
    Place there{.ranks = together_with(*costs, rank, ranks)};
    place(there.ranks);
    if (there.ranks.size() < 2 || there.ranks.size() > Entry::kMostMates) continue;
    any = true;
    const Path far = costs->path(self, rank);
    const Path near = costs->path(there.ranks[0], there.ranks[1]);
    const bool gains =
        far.read_bytes_per_ns > 0 && near.read_bytes_per_ns >= kLeastGain * far.read_bytes_per_ns;
    if (use == Use::kAuto && !gains) continue;
    const auto bytes = static_cast<double>(row_bytes);
    there.saved_ns = bytes / far.read_bytes_per_ns - bytes / near.read_bytes_per_ns;
    there.detour_ns =
        use == Use::kAlways ? 0 : 2 * near.latency_ns + costs->post_ns(near) + near.read_latency_ns;
    places_.push_back(std::move(there));
  }
  if (any) mates_ = std::move(mates);
}

void Relays::assign(std::span<Entry> entries, std::span<const std::uint32_t> offsets, int tokens) {
  if (places_.empty()) return;
  visits_.resize(static_cast<std::size_t>(tokens));
  seen_.resize(visits_.size());
  relay_.resize(visits_.size());
  for (const Place& place : places_) assign(place, entries, offsets);
}

void Relays::assign(const Place& place, std::span<Entry> entries,
                    std::span<const std::uint32_t> offsets) {
  std::fill(visits_.begin(), visits_.end(), std::uint8_t{0});
  std::size_t again = 0;
  for_each_visit(place.ranks, entries, offsets, [&](std::size_t, std::span<Entry> visit) {
    again += visits_[visit[0].token]++ != 0 ? 1 : 0;
  });
  if (again == 0 || static_cast<double>(again) * place.saved_ns < place.detour_ns) return;
  // Relays of the tokens take turns.
  std::fill(seen_.begin(), seen_.end(), std::uint8_t{0});
  for_each_visit(place.ranks, entries, offsets, [&](std::size_t mate, std::span<Entry> visit) {
    const std::uint32_t token = visit[0].token;
    if (seen_[token]++ == token % visits_[token]) relay_[token] = static_cast<std::uint8_t>(mate);
  });
  for_each_visit(place.ranks, entries, offsets, [&](std::size_t mate, std::span<Entry> visit) {
    const std::uint32_t token = visit[0].token;
    if (visits_[token] < 2) return;
    for (Entry& entry : visit) {
      entry.set_via(relay_[token] == mate ? Entry::kRelayed : Entry::kFirstMate + relay_[token]);
    }
  });
}

}  // namespace tutti::moe
