// Which network connects hosts where nobody has said so: a fabric, if every rank has the same one,
// or else TCP.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "bootstrap/bootstrap.hpp"

namespace tutti {

// What a rank has found on its host.
struct FoundFabric {
  std::string name{};     // empty: none
  std::string why_not{};  // then
};

struct NetworkChoice {
  bool fabric = false;
  std::string why{};  // for people
};

// By rank.
NetworkChoice choose_network(std::span<const FoundFabric> found);

// Collective: what this rank has found, and the choice that all make. Names and reasons are cut at
// 95 letters.
NetworkChoice agree_on_network(Bootstrap& bootstrap, const FoundFabric& mine);

}  // namespace tutti
