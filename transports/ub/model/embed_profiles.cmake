# cmake -DOUTPUT=file.cpp -DPROFILES=a.json;b.json -P: writes builtin_profiles() with the files' text.
set(rows "")
foreach(profile IN LISTS PROFILES)
  get_filename_component(name ${profile} NAME_WE)
  file(READ ${profile} text)
  string(APPEND rows "    {\"${name}\", R\"profile(${text})profile\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by embed_profiles.cmake from transports/ub/profiles.
#include \"transports/ub/model/builtin_profiles.hpp\"

namespace tutti::ub {

std::span<const BuiltinProfile> builtin_profiles() {
  static constexpr BuiltinProfile kProfiles[] = {
${rows}  };
  return kProfiles;
}

}  // namespace tutti::ub
")
