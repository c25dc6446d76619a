#include "transports/network_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace tutti {

namespace {

struct FoundCard {
  bool is_fabric = false;
  char text[96] = {};  // the name, or why there is none; ends with a zero
};

FoundCard card_of(const FoundFabric& found) {
  FoundCard card{.is_fabric = !found.name.empty()};
  const std::string_view text = card.is_fabric ? found.name : found.why_not;
  text.copy(card.text, sizeof(card.text) - 1);
  return card;
}

}  // namespace

NetworkChoice choose_network(std::span<const FoundFabric> found) {
  const auto lacks = [](const FoundFabric& each) { return each.name.empty(); };
  const auto without = std::find_if(found.begin(), found.end(), lacks);
  if (without != found.end()) {
    const bool nobody = std::all_of(found.begin(), found.end(), lacks);
    const std::string who = nobody ? "no rank has a fabric"
                                   : fmt::format("rank {} has no fabric", without - found.begin());
    return {.why = fmt::format("{}: {}", who, without->why_not)};
  }
  const std::string& name = found.front().name;
  const auto other = std::find_if(found.begin(), found.end(),
                                  [&name](const FoundFabric& each) { return each.name != name; });
  if (other != found.end()) {
    return {.why = fmt::format("rank 0 has {} and rank {} has {}", name, other - found.begin(),
                               other->name)};
  }
  return {.fabric = true, .why = fmt::format("every rank has {}", name)};
}

NetworkChoice agree_on_network(Bootstrap& bootstrap, const FoundFabric& mine) {
  std::vector<FoundFabric> found;
  for (FoundCard& card : all_gather_value(bootstrap, card_of(mine))) {
    card.text[sizeof(card.text) - 1] = 0;  // whoever sent it
    found.push_back(card.is_fabric ? FoundFabric{.name = card.text}
                                   : FoundFabric{.why_not = card.text});
  }
  return choose_network(found);
}

}  // namespace tutti
