// The files of transports/ub/profiles, embedded when the library is built (embed_profiles.cmake).
#pragma once

#include <span>
#include <string_view>

namespace tutti::ub {

struct BuiltinProfile {
  std::string_view name;
  std::string_view text;
};

std::span<const BuiltinProfile> builtin_profiles();

}  // namespace tutti::ub
