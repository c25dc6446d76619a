#include "moe/relay_reader.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"

namespace tutti::moe {

void RelayReader::tell(const RelayBlock& block) {
  const auto offset = [this](const void* data, std::size_t bytes) {
    return channel_.refer(data, bytes).offset;
  };
  const auto table = block.table();
  channel_.touches(Write{table.data(), table.size_bytes()});
  const Told told{.table_offset = offset(table.data(), table.size_bytes()),
                  .rows_offset = offset(block.rows.data(), block.rows.size()),
                  .side_offset = offset(block.side.data(), block.side.size()),
                  .tokens = static_cast<std::uint32_t>(block.tokens())};
  LineContent content;
  std::memcpy(content.payload, &told, sizeof(told));
  operation_.charge(LocalWork::sync());
  operation_.post_together([&] {
    for (const Rank mate : mates_) {
      if (mate != operation_.rank()) operation_.post(mate, Phase::kReady, content);
    }
  });
}

void RelayReader::hear(std::span<const std::span<const Entry>> entries) {
  heard_.assign(mates_.size(), {});
  std::vector<bool> named(mates_.size());
  for (std::size_t source = 0; source < entries.size(); ++source) {
    for (const Entry& entry : entries[source]) {
      if (entry.via() < Entry::kFirstMate) continue;
      const std::size_t mate = entry.via() - Entry::kFirstMate;
      if (mate >= mates_.size() || mates_[mate] == operation_.rank()) {
        raise_strange(static_cast<Rank>(source), entry.token);
      }
      named[mate] = true;
    }
  }
  std::vector<View> views;
  std::vector<std::size_t> viewed;
  for (std::size_t mate = 0; mate < named.size(); ++mate) {
    if (!named[mate]) continue;
    const Line& line = operation_.wait(mates_[mate], Phase::kReady);
    Told& told = heard_[mate].told;
    std::memcpy(&told, line.payload, sizeof(told));
    views.push_back({.peer = mates_[mate],
                     .offset = told.table_offset,
                     .bytes = (entries.size() + 1 + told.tokens) * sizeof(std::uint32_t),
                     .data = nullptr});
    viewed.push_back(mate);
  }
  if (views.empty()) return;
  channel_.view(MemoryRef::Where::kHeap, views);
  for (std::size_t i = 0; i < views.size(); ++i) {
    channel_.touches(Read{views[i].data, views[i].bytes});
    heard_[viewed[i]].table = reinterpret_cast<const std::uint32_t*>(views[i].data);
  }
  operation_.charge(LocalWork::looks(views.size()));
}

Fetch RelayReader::fetch(Of of, std::uint32_t mate, Rank source, std::uint32_t token,
                         std::span<std::byte> destination) const {
  const Mate& heard = heard_[mate];
  const auto sources = static_cast<std::size_t>(operation_.ranks());
  const std::uint32_t* const table = heard.table;
  const std::uint32_t first = table[source], last = table[source + 1];
  if (first > last || last > heard.told.tokens) raise_strange(mates_[mate], token);
  const std::uint32_t* const tokens = table + sources + 1;
  const std::uint32_t* const found = std::lower_bound(tokens + first, tokens + last, token);
  if (found == tokens + last || *found != token) raise_strange(source, token);
  const auto place = static_cast<std::size_t>(found - tokens);
  const std::uint64_t offset = of == Of::kRows ? heard.told.rows_offset : heard.told.side_offset;
  return {mates_[mate], destination, offset + place * destination.size()};
}

void RelayReader::raise_strange(Rank source, std::uint32_t token) const {
  channel_.raise(
      Error(tuttiRemoteError,
            fmt::format("rank {} names a relay for token {} that does not have it", source, token),
            {source}));
}

}  // namespace tutti::moe
