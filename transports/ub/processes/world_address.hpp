// Where a process finds the simulation that it is a rank of: what tutti-run writes into its
// environment.
#pragma once

#include <string>
#include <string_view>

#include "memory/shared_file.hpp"

namespace tutti::ub {

struct WorldAddress {
  SharedFileHandle file;
  int rank = -1;
};

std::string encode_world(const WorldAddress& address);
// tuttiInvalidUsage, with the text, for what encode_world() did not make.
WorldAddress decode_world(const std::string& text);

}  // namespace tutti::ub
