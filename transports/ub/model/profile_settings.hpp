// What a run changes of a profile, as PATH=VALUE, before the profile is checked.
#pragma once

#include <span>
#include <string>

#include "transports/ub/model/json_value.hpp"
#include "transports/ub/model/profile.hpp"

namespace tutti::ub {

// `document` is what `profile` was parsed from. Afterwards it has the settings, the later one of
// two for the same field, and what stays in proportion to them: docs/fabric-model.md, "Settings".
// Throws tuttiInvalidArgument for a setting of what the profile does not have; whether the values
// make a fabric is for the parser to say.
void apply_settings(JsonValue& document, const Profile& profile,
                    std::span<const std::string> settings);

}  // namespace tutti::ub
