// The commit that this program was built from.
#pragma once

#include <string>

namespace tutti::perf {

// As git describes it, "-dirty" where files were changed; "unknown" when built without git.
std::string commit();

}  // namespace tutti::perf
