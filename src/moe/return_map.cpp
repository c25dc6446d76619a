#include "moe/return_map.hpp"

#include <algorithm>

namespace tutti::moe {
namespace {

std::size_t places_in(const RoutingTable& table) {
  return static_cast<std::size_t>(table.tokens()) * static_cast<std::size_t>(table.lanes());
}

}  // namespace

void map_by_lane(const RoutingTable& table, std::span<const std::span<const std::uint32_t>> rows,
                 std::span<RowPlace> places) {
  const auto lanes = static_cast<std::size_t>(table.lanes());
  std::fill_n(places.begin(), places_in(table), RowPlace{});
  for (int rank = 0; rank < table.ranks(); ++rank) {
    const std::span<const Entry> entries = table.entries_for(rank);
    const std::span<const std::uint32_t> there = rows[static_cast<std::size_t>(rank)];
    for (std::size_t i = 0; i < entries.size(); ++i) {
      places[entries[i].token * lanes + entries[i].lane()] = {rank, there[i]};
    }
  }
}

void map_by_rank(const RoutingTable& table, std::span<const std::span<const std::uint32_t>> rows,
                 std::span<RowPlace> places) {
  const auto lanes = static_cast<std::size_t>(table.lanes());
  std::fill_n(places.begin(), places_in(table), RowPlace{});
  for (int rank = 0; rank < table.ranks(); ++rank) {
    const std::span<const Entry> entries = table.entries_for(rank);
    const std::span<const std::uint32_t> there = rows[static_cast<std::size_t>(rank)];
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const RowPlace place{rank, there[i]};
      if (i > 0 && entries[i].token == entries[i - 1].token && there[i] == there[i - 1]) continue;
      const auto of_token = places.subspan(entries[i].token * lanes, lanes);
      *std::find_if(of_token.begin(), of_token.end(),
                    [](const RowPlace& p) { return p.rank == -1; }) = place;
    }
  }
}

}  // namespace tutti::moe
