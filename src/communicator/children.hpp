// Communicators made from communicators. A child has its own memory and liveness: after it is made,
// the parent may fail or be destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "communicator/communicator.hpp"

namespace tutti {

// Tells apart what the same members may set up at the same time.
enum class SetupPurpose : std::uint64_t {
  kSplit,
  kSplitGroup,
  kShrink,
  kDuplicate,
  kFinalize,
  kWindow
};

// Collective over `members` (ranks of the parent, this one among them, in the order of their ranks
// in the child), in a Call on the parent; works on a parent that has failed.
std::unique_ptr<tuttiComm> make_child(Communicator& parent, std::span<const Rank> members,
                                      SetupPurpose purpose, const Settings& settings);

// A communicator of the same ranks in the same order, with lines and slots of its own. Collective.
std::unique_ptr<tuttiComm> duplicate(Communicator& parent, const std::string& name);

}  // namespace tutti
