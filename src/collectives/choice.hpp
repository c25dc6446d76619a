// An algorithm and how it is run: what the selection chooses and TUTTI_ALGO names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tutti {

enum class Algorithm : std::uint8_t {
  kLocal,          // one rank: a copy
  kLine,           // the data travels in the 64-byte lines themselves
  kAssembly,       // a counter at which all meet, and one broadcast: for more ranks than cores. Who
                   // comes last reduces; or each copies the others' rows
  kOneShot,        // everybody reads everybody's staging
  kTwoShot,        // each rank reduces a share of all ranks' buffers, and stores it into all
  kExchange,       // rows from whoever has them to whoever needs them
  kScatterGather,  // a broadcast: everybody takes a share of it, and gives it to all

  // These put instead of reading, and may go by groups of ranks (staged_push.hpp):
  kOneShotPush,   // everybody's bytes to everybody's staging
  kTwoShotPush,   // shares to whoever reduces them, results to everybody, by staging
  kRelay,         // rows by staging
  kExchangePush,  // rows to where they belong
  kTwoLevel,      // a sum in each group, then over all: only with groups (two_level.hpp)
};

struct AlgorithmChoice {
  Algorithm algorithm = Algorithm::kLocal;
  int group = 1;  // ranks in a group, of algorithms that know them; 1: no groups

  friend bool operator==(const AlgorithmChoice&, const AlgorithmChoice&) = default;
};

bool knows_groups(Algorithm algorithm);
// "two_shot", "relay:8" in groups of 8. Valid for ever.
const char* name_of(const AlgorithmChoice& choice);
// The choice of that name, if there is one.
std::optional<AlgorithmChoice> choice_named(std::string_view name);
// "line, two_shot, relay[:GROUP]": for messages.
std::string choice_names();

}  // namespace tutti
