// A static rank table, which every process can read.
#include <fstream>
#include <ios>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/log_environment.hpp"
#include "bootstrap/launchers/known_place.hpp"
#include "bootstrap/launchers/own_addresses.hpp"
#include "bootstrap/launchers/rank_table_file.hpp"
#include "bootstrap/launchers/secret.hpp"
#include "bootstrap/launchers/variables.hpp"

namespace tutti {

namespace {

constexpr std::string_view kRankTableTitle = "a rank table";
constexpr const char* kTable = "TUTTI_RANK_TABLE";
constexpr const char* kTableRank = "TUTTI_RANK";
constexpr const char* kTableLocalRank = "TUTTI_LOCAL_RANK";

bool rank_table_is_here() { return all_set({kTable}); }

std::string read_table() {
  const std::string name = require_variable(kRankTableTitle, kTable);
  std::ifstream file(name, std::ios::binary);
  if (!file) fail_system("{}='{}'", kTable, name);
  std::string text(kMostRankTableBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) fail_system("reading {}='{}'", kTable, name);
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

RankTable parse_table(const std::string& text) {
  try {
    return parse_rank_table(text);
  } catch (const Error& error) {
    fail(tuttiInvalidUsage, "{}='{}': {}", kTable, env_string(kTable).value_or(""), error.what());
  }
}

// By its number on this host, which the table knows by its name or by an address.
Rank rank_on_this_host(const RankTable& table) {
  if (!all_set({kTableLocalRank})) {
    fail(tuttiInvalidUsage, "{}: neither {} (the rank) nor {} (the number on its host) is set",
         kRankTableTitle, kTableRank, kTableLocalRank);
  }
  const RankTable::Host* found = nullptr;
  for (const auto& host : table.hosts) {
    if (!is_this_host(host.address)) continue;
    if (found != nullptr) {
      fail(tuttiInvalidUsage, "{}: both '{}' and '{}' are this host: set {}", kRankTableTitle,
           found->address, host.address, kTableRank);
    }
    found = &host;
  }
  if (found == nullptr) {
    fail(tuttiInvalidUsage, "{}: no host of it is this one, '{}': set {}", kRankTableTitle,
         host_name(), kTableRank);
  }
  const int most = static_cast<int>(found->ranks.size()) - 1;
  const int local = require_number(kRankTableTitle, kTableLocalRank, 0, most);
  return found->ranks[static_cast<std::size_t>(local)];
}

Claim rank_table_claim() {
  const RankTable table = parse_table(read_table());
  const auto rank = number_if_set(kTableRank, 0, table.ranks - 1);
  return {.rank = rank ? *rank : rank_on_this_host(table),
          .ranks = table.ranks,
          .evidence = quote_variables({kTable, kTableRank, kTableLocalRank})};
}

World rank_table_meet(const Claim& claim, Nanoseconds timeout) {
  const std::string text = read_table();
  const RankTable table = parse_table(text);
  auto secret = secret_text();
  if (!secret) {
    TUTTI_INFO(kBootstrap,
               "neither TUTTI_SECRET nor TUTTI_SECRET_FILE is set: whoever can read the rank table "
               "can join this world");
    secret = "rank table " + text;
  }
  const auto port = number_if_set("TUTTI_MEETING_PORT", 1, 65535);
  return meet_at(
      {.host = table.host_of(0).address,
       .port = port ? static_cast<std::uint16_t>(*port) : table.port.value_or(kMeetingPort),
       .secret_text = *secret},
      *claim.rank, *claim.ranks, timeout);
}

}  // namespace

const Launcher kRankTable = {"rank_table", kRankTableTitle, rank_table_is_here, rank_table_claim,
                             rank_table_meet};

}  // namespace tutti
