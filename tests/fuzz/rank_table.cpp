// Rank tables: what is accepted has every rank once.
#include <cstdint>
#include <string_view>
#include <tutti/error.hpp>

#include "bootstrap/launchers/rank_table_file.hpp"
#include "demand.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto table = tutti::parse_rank_table({reinterpret_cast<const char*>(data), size});
    TUTTI_DEMAND(table.ranks > 0);
    for (tutti::Rank rank = 0; rank < table.ranks; ++rank) {
      TUTTI_DEMAND(!table.host_of(rank).address.empty());
    }
  } catch (const tutti::Error& error) {
    TUTTI_DEMAND(error.code() == tuttiInvalidArgument);
  }
  return 0;
}
