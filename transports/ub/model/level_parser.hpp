// The levels of a profile's topology, put in order: a chain from the smallest unit to the whole.
#pragma once

#include <vector>

#include "transports/ub/model/field_reader.hpp"
#include "transports/ub/model/profile.hpp"

namespace tutti::ub {

// Lowest first. Complains through `topology` about what is cyclic, disconnected or branches.
std::vector<Level> parse_levels(FieldReader& topology);

}  // namespace tutti::ub
