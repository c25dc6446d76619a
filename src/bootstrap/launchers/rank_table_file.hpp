// A rank table: a JSON file that says which ranks run on which hosts. Tutti's own form
//
//   {"hosts": [{"address": "10.0.0.1", "ranks": [0, 1]}, {"address": "node-b", "ranks": [2, 3]}],
//    "port": 28884}
//
// and HCCL's, version 1.0: {"version": "1.0", "server_list": [{"server_id": "10.0.0.1",
// "device": [{"device_id": "0", "rank_id": "0", ...}, ...]}, ...], ...}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tutti/transport.hpp>
#include <vector>

namespace tutti {

struct RankTable {
  struct Host {
    std::string address;      // or name
    std::vector<Rank> ranks;  // by local rank; HCCL: by device, in the order of their numbers
  };
  std::vector<Host> hosts;
  int ranks = 0;                      // 0 .. ranks - 1 are there once each
  std::optional<std::uint16_t> port;  // where rank 0 listens

  const Host& host_of(Rank rank) const;
};

constexpr std::size_t kMostRankTableBytes = 16U << 20;

// tuttiInvalidArgument saying what is wrong with the text.
RankTable parse_rank_table(std::string_view text);

}  // namespace tutti
