#include "communicator/children.hpp"

#include <fmt/format.h>

#include <numeric>

#include "communicator/setup_exchange.hpp"

namespace tutti {

std::unique_ptr<tuttiComm> make_child(Communicator& parent, std::span<const Rank> members,
                                      SetupPurpose purpose, const Settings& settings) {
  SetupExchange exchange(parent.channel(), parent.setup(), {members.begin(), members.end()},
                         static_cast<std::uint64_t>(purpose), fmt::format("\"{}\"", settings.name));
  auto child = std::make_unique<tuttiComm>(exchange, settings);
  exchange.complete();
  return child;
}

std::unique_ptr<tuttiComm> duplicate(Communicator& parent, const std::string& name) {
  std::vector<Rank> members(static_cast<std::size_t>(parent.ranks()));
  std::iota(members.begin(), members.end(), 0);
  Settings settings = parent.settings();
  settings.name = name;
  return make_child(parent, members, SetupPurpose::kDuplicate, settings);
}

}  // namespace tutti
