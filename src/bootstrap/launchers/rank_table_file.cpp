#include "bootstrap/launchers/rank_table_file.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "bootstrap/meeting_wire.hpp"

namespace tutti {

namespace {

using nlohmann::json;

template <typename... Args>
[[noreturn]] void refuse_table(fmt::format_string<Args...> text, Args&&... args) {
  throw Error(tuttiInvalidArgument,
              "rank table: " + fmt::format(text, std::forward<Args>(args)...));
}

const json& member(const json& object, const char* name, const std::string& where) {
  if (!object.is_object()) refuse_table("{} is not an object", where);
  const auto found = object.find(name);
  if (found == object.end()) refuse_table("{} has no \"{}\"", where, name);
  return *found;
}

const json& list(const json& object, const char* name, const std::string& where) {
  const json& value = member(object, name, where);
  if (!value.is_array() || value.empty()) {
    refuse_table("\"{}\" of {} is not a list with something in it", name, where);
  }
  return value;
}

std::string text_of(const json& object, const char* name, const std::string& where) {
  const json& value = member(object, name, where);
  const auto* const text = value.get_ptr<const json::string_t*>();
  if (text == nullptr || text->empty()) refuse_table("\"{}\" of {} is no text", name, where);
  return *text;
}

// A number, or a text that is one, as HCCL writes them.
int number_in_table(const json& value, int least, int most, const std::string& what) {
  std::int64_t number = -1;
  bool good = false;
  if (const auto* const text = value.get_ptr<const json::string_t*>()) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    good = error == std::errc{} && end == text->data() + text->size();
  } else if (value.is_number_unsigned()) {
    good = value.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT32_MAX);
    number = good ? value.get<std::int64_t>() : -1;
  }
  if (!good || number < least || number > most) {
    refuse_table("{} is no number from {} to {}", what, least, most);
  }
  return static_cast<int>(number);
}

constexpr int kMostRank = static_cast<int>(wire::kMostRanks) - 1;

RankTable::Host own_host(const json& entry, const std::string& where) {
  RankTable::Host host{.address = text_of(entry, "address", where)};
  for (const json& rank : list(entry, "ranks", where)) {
    host.ranks.push_back(number_in_table(rank, 0, kMostRank, "a rank of " + where));
  }
  return host;
}

RankTable::Host hccl_server(const json& entry, const std::string& where) {
  RankTable::Host host{.address = text_of(entry, "server_id", where)};
  std::vector<std::pair<int, Rank>> devices;
  for (const json& device : list(entry, "device", where)) {
    const std::string what = "a device of " + where;
    devices.emplace_back(
        number_in_table(member(device, "device_id", what), 0, kMostRank,
                        "\"device_id\" of " + what),
        number_in_table(member(device, "rank_id", what), 0, kMostRank, "\"rank_id\" of " + what));
  }
  std::sort(devices.begin(), devices.end());
  for (const auto& [device, rank] : devices) host.ranks.push_back(rank);
  return host;
}

// Counts the ranks, which have to be 0, 1, ... once each.
void check_ranks(RankTable& table) {
  std::vector<Rank> all;
  for (const auto& host : table.hosts) all.insert(all.end(), host.ranks.begin(), host.ranks.end());
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto expected = static_cast<Rank>(i);
    if (all[i] < expected) refuse_table("rank {} is there twice", all[i]);
    if (all[i] > expected) refuse_table("rank {} is missing", expected);
  }
  table.ranks = static_cast<int>(all.size());
}

}  // namespace

const RankTable::Host& RankTable::host_of(Rank rank) const {
  for (const Host& host : hosts) {
    if (std::find(host.ranks.begin(), host.ranks.end(), rank) != host.ranks.end()) return host;
  }
  refuse_table("rank {} is not in it", rank);
}

RankTable parse_rank_table(std::string_view text) {
  if (text.size() > kMostRankTableBytes) refuse_table("longer than {} bytes", kMostRankTableBytes);
  const json root = json::parse(text, nullptr, false);
  if (root.is_discarded()) refuse_table("not JSON");
  if (!root.is_object()) refuse_table("not an object");
  RankTable table;
  const bool hccl = root.contains("server_list");
  if (hccl && root.contains("version") && root["version"] != "1.0") {
    refuse_table("HCCL's version 1.0 is read, not {}",
                 root["version"].dump(-1, ' ', false, json::error_handler_t::replace));
  }
  const char* const hosts = hccl ? "server_list" : "hosts";
  for (const json& entry : list(root, hosts, "the table")) {
    const std::string where = fmt::format("\"{}\"[{}]", hosts, table.hosts.size());
    table.hosts.push_back(hccl ? hccl_server(entry, where) : own_host(entry, where));
  }
  if (root.contains("port")) {
    table.port = static_cast<std::uint16_t>(number_in_table(root["port"], 1, 65535, "\"port\""));
  }
  check_ranks(table);
  return table;
}

}  // namespace tutti
