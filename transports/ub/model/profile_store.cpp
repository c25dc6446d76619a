// load_profile: what is built in, by name; anything else is a file.
#include <fmt/ranges.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "transports/ub/model/builtin_profiles.hpp"
#include "transports/ub/model/profile.hpp"

namespace tutti::ub {

std::vector<std::string_view> profile_names() {
  std::vector<std::string_view> names;
  for (const BuiltinProfile& profile : builtin_profiles()) names.push_back(profile.name);
  return names;
}

Profile load_profile(const std::string& name_or_path, std::span<const std::string> settings) {
  for (const BuiltinProfile& profile : builtin_profiles()) {
    if (profile.name == name_or_path) {
      return parse_profile(profile.text, name_or_path + ".json", settings);
    }
  }
  std::string text;
  std::error_code ignored;
  if (!std::filesystem::is_directory(name_or_path, ignored)) {  // which opens, and throws when read
    std::ifstream file(name_or_path, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  if (text.empty()) {
    fail(tuttiInvalidArgument, "no fabric profile '{}': neither one of {} nor a readable file",
         name_or_path, fmt::join(profile_names(), ", "));
  }
  return parse_profile(text, name_or_path, settings);
}

}  // namespace tutti::ub
