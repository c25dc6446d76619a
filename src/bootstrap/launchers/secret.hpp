// The secret of ranks that meet at a place which they all know: a text that the user gives them, or
// one that they can work out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bootstrap/unique_id.hpp"

namespace tutti {

// What TUTTI_SECRET says, or the file that TUTTI_SECRET_FILE names, without white space at its end;
// nullopt where neither is set. tuttiInvalidUsage for both, and for a file that cannot be read or
// is empty.
std::optional<std::string> secret_text();

// A secret for the `number`-th world that this process becomes part of: two worlds of the same
// processes, one after the other, do not mix although they meet at one place.
MeetingSecret secret_of(std::string_view text, int number);

}  // namespace tutti
