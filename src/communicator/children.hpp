// Communicators made from communicators. A child has its own memory and liveness: after it is made,
// the parent may fail or be destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "communicator/communicator.hpp"

namespace tutti {

// Collective over `members` (ranks of the parent, this one among them, in the order of their ranks
// in the child), in a Call on the parent; works on a parent that has failed.
std::unique_ptr<tuttiComm> make_child(Communicator& parent, std::span<const Rank> members,
                                      SetupPurpose purpose, const Settings& settings);

// A communicator of the same ranks in the same order, with lines and slots of its own. Collective.
std::unique_ptr<tuttiComm> duplicate(Communicator& parent, const std::string& name);

// Collective over the parent: a communicator of the ranks with this color, ordered by key, then by
// rank; nullptr for TUTTI_SPLIT_NOCOLOR.
std::unique_ptr<tuttiComm> split(Communicator& parent, int color, int key,
                                 const Settings& settings);

enum class ShrinkParent : std::uint8_t {
  kHealthy,   // anything else is an error
  kAbandoned  // it may have failed; what still runs on it fails
};
// Collective over `members`, ranks of the parent, ascending.
std::unique_ptr<tuttiComm> shrink(Communicator& parent, std::span<const Rank> members,
                                  ShrinkParent state, const Settings& settings);

}  // namespace tutti
