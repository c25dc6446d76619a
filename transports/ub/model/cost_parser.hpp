// What a rank's own work costs, out of a profile.
#pragma once

#include <vector>

#include "transports/ub/model/field_reader.hpp"
#include "transports/ub/model/profile.hpp"

namespace tutti::ub {

// The object "software"; reads all of it.
Software parse_software(FieldReader& software);
// The list "kernels" of the whole profile; none where it is missing.
std::vector<KernelTable> parse_kernels(FieldReader& profile);

}  // namespace tutti::ub
